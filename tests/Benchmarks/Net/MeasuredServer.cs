using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Relay.TestKit;

namespace Relay.Benchmarks.Net;

/// <summary>A server as a process of its own, and what the system says of that process.</summary>
internal abstract class MeasuredServer : IAsyncDisposable
{
    public abstract int Port { get; }

    protected abstract int ProcessId { get; }

    /// <inheritdoc cref="ProcessTimes.CpuSeconds"/>
    public double CpuSeconds => ProcessTimes.CpuSeconds(ProcessId);

    public long ResidentBytes => 1024 * long.Parse(
        File.ReadLines($"/proc/{ProcessId}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public abstract ValueTask DisposeAsync();
}

/// <summary>relayd, with limits above the load.</summary>
internal sealed class MeasuredRelay(RelayUnderLoad relay) : MeasuredServer
{
    public override int Port => relay.Port;

    protected override int ProcessId => relay.ProcessId;

    public static async Task<MeasuredServer> StartAsync(string[] options) => new MeasuredRelay(await RelayUnderLoad.StartAsync(
        [
            "--Admission:Total=50000", "--Admission:PerIp=5000", "--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off",
            "--Admission:OverloadLevel=normal", "--Listen:MaxHandshakesPerIp=1000", "--Listen:MaxHandshakes=5000",
            "--Sessions:RegistrationTimeout=0", "--Sessions:MessagesPerMinute=1000000", "--Sessions:BytesPerSecond=1000000000", "--Sessions:BytesBurst=1000000000",
            .. options,
        ]));

    public override ValueTask DisposeAsync() => relay.DisposeAsync();
}

/// <summary>The relay of a few lines that runs in Bun.</summary>
internal sealed class MeasuredBun : MeasuredServer
{
    private readonly Process _process;

    private MeasuredBun(string bun)
    {
        Port = FreePort.Take();
        _process = Process.Start(new ProcessStartInfo(bun) { ArgumentList = { Path.Combine(AppContext.BaseDirectory, "bun-relay.js"), Port.ToString(CultureInfo.InvariantCulture) } })!;
    }

    public override int Port { get; }

    protected override int ProcessId => _process.Id;

    public static async Task<MeasuredServer> StartAsync(string bun)
    {
        var server = new MeasuredBun(bun);
        for (var tries = 0; tries < 100; tries++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, server.Port);
                return server;
            }
            catch (SocketException)
            {
                await Task.Delay(100);
            }
        }

        await server.DisposeAsync();
        throw new InvalidOperationException($"{bun} does not listen on port {server.Port}");
    }

    public override async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
