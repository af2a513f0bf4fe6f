using AdminCli.Tests.Support;
using Relay.TestKit;

namespace AdminCli.Tests.Live;

/// <summary>A relay that operators reach over TLS, by token and by certificate.</summary>
public sealed class NetworkRelay : IAsyncLifetime
{
    private readonly TempFolder _folder = new();

    internal TestAuthority Authority { get; } = new();

    internal RelayProcess Relay { get; private set; } = null!;

    /// <summary>A token with the role read, in a file.</summary>
    internal string TokenFile => _folder["token"];

    internal string Address => Relay.AdminAddress;

    public async ValueTask InitializeAsync()
    {
        Relay = await RelayProcess.StartAsync(
            "--Admin:Listen=127.0.0.1:0",
            $"--Admin:CertificateFile={Authority.CertificateFile}",
            $"--Admin:KeyFile={Authority.KeyFile}",
            $"--Admin:ClientCaFile={Authority.CaFile}",
            "--Admin:ClientRoles=CN=kay=operate",
            "--Admin:FailuresPerMinute=1000");
        Save("token", (await Relay.Cli.RunLineAsync("token create --name fixture --role read")).Output);
    }

    public async ValueTask DisposeAsync()
    {
        await Relay.DisposeAsync();
        Authority.Dispose();
        _folder.Dispose();
    }

    /// <summary>A file that only we can read.</summary>
    internal string Save(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        File.SetUnixFileMode(_folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return _folder[name];
    }
}
