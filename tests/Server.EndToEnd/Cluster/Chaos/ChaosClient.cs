using System.Globalization;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster.Chaos;

/// <summary>A client that sends numbered messages to its partner, and comes back at any relay when its connection ends.</summary>
/// <param name="window">Messages that may be on their way.</param>
internal sealed class ChaosClient(ChaosCluster cluster, ChaosTraffic traffic, string code, string partner, int window, int seed)
{
    // A relay that is stopped for a while is waited for; so long nothing takes.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(4);

    private readonly Random _random = new(seed);

    public async Task RunAsync(CancellationToken stop)
    {
        using var pace = new PeriodicTimer(Pace * 10);
        while (!stop.IsCancellationRequested)
        {
            var (client, early) = await ConnectAsync(pace);
            try
            {
                await ServeAsync(client, early, stop);
            }
            finally
            {
                await client.DisposeAsync();
            }
        }
    }

    // Whoever was connected to a relay that has died may find its code taken for a moment, and its next relay not there.
    private async Task<(TestClient Client, List<string> Early)> ConnectAsync(PeriodicTimer pace)
    {
        using var patience = new CancellationTokenSource(ChaosCluster.Patience);
        while (true)
        {
            TestClient? client = null;
            try
            {
                var ports = cluster.Ports;
                client = await TestClient.ConnectAsync(ports[_random.Next(ports.Count)]);
                await client.RegisterCodeAsync(code, TestClient.Key(code));

                // Others find the code a moment before its owner is told.
                var early = new List<string>();
                string answer;
                while ((answer = await client.ReceiveTextAsync()).Contains("\"offer\"", StringComparison.Ordinal))
                {
                    early.Add(answer);
                }

                if (answer.Contains("\"registered\"", StringComparison.Ordinal))
                {
                    return (client, early);
                }

                Assert.Contains("code_collision", answer, StringComparison.Ordinal);
            }
            catch (Exception exception) when (IsEnd(exception))
            {
                // Another one. Something may have been on its way to this one already.
                if (client is not null)
                {
                    traffic.Cut(code);
                }
            }

            if (client is not null)
            {
                await client.DisposeAsync();
            }

            await pace.WaitForNextTickAsync(patience.Token);
        }
    }

    private async Task ServeAsync(TestClient client, List<string> early, CancellationToken stop)
    {
        var (id, record) = traffic.Begin(code, partner);
        early.ForEach(text => Read(text, id, record));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var receiving = ReceiveAsync(client, id, record, ended);
        await SendAsync(client, id, record, ended.Token);
        if (stop.IsCancellationRequested)
        {
            await traffic.RestAsync();
        }

        // What came before a close frame was read before it, and what comes later is refused: nothing is lost with it.
        var isCut = client.Socket.CloseStatus is null;
        client.Socket.Abort();
        await receiving;
        traffic.End(code, record, isCut);
    }

    private async Task SendAsync(TestClient client, long id, ChaosRecord record, CancellationToken ended)
    {
        using var pace = new PeriodicTimer(Pace);
        var since = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            while (await pace.WaitForNextTickAsync(ended))
            {
                if (record.Waiting < window)
                {
                    var number = record.Send();
                    await client.SendAsync(string.Create(CultureInfo.InvariantCulture, $$"""{"type":"offer","target":"{{partner}}","payload":[{{id}},{{number}}]}"""));
                    since.Restart();
                }
                else if (since.Elapsed > Hang)
                {
                    traffic.Report($"connection {id} waits for {record.Waiting} messages");
                    return;
                }
            }
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            // It has ended; or no more is to be sent.
        }
    }

    private async Task ReceiveAsync(TestClient client, long id, ChaosRecord record, CancellationTokenSource ended)
    {
        try
        {
            while (true)
            {
                Read(await client.ReceiveTextAsync(Hang), id, record);
            }
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            await ended.CancelAsync();
        }
    }

    private void Read(string text, long id, ChaosRecord record)
    {
        using var document = JsonDocument.Parse(text);
        var message = document.RootElement;
        switch (message.GetProperty("type").GetString())
        {
            case "offer":
                var payload = message.GetProperty("payload");
                traffic.Arrive(payload[0].GetInt64(), payload[1].GetInt32(), id);
                break;
            case "error" when message.GetProperty("message").GetString() is var error && (error == $"Peer not found: {partner}" || error == "Target is busy"):
                record.Fail();
                break;
            default:
                traffic.Report($"connection {id} got {text}");
                break;
        }
    }

    private static bool IsEnd(Exception exception) =>
        exception is WebSocketException or IOException or OperationCanceledException or SocketException or HttpRequestException or ObjectDisposedException;
}
