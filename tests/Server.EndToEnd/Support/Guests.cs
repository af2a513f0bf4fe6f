using System.Buffers.Binary;
using System.Text;
using Relay.Configuration;

namespace Relay.EndToEnd.Support;

/// <summary>Clients of any address, as a trusted proxy on 127.0.0.1 tells it; all are gone when this is.</summary>
internal sealed class Guests(RelayServer server) : IDisposable
{
    /// <summary>What they are told who get in.</summary>
    public static readonly (int, string) Admitted = (0, "");

    // Who is let in is greeted; who is not gets a close frame and nothing else.
    private const int TextFrame = 1;

    private readonly List<RawClient> _clients = [];

    /// <summary>Believes the proxy, and closes nobody who says nothing while a test moves the clock.</summary>
    public static void Trust(RelaySettings settings)
    {
        settings.Admission.TrustedProxies = ["127.0.0.1"];
        (settings.Sessions.PingInterval, settings.Sessions.SilenceTimeout, settings.Sessions.RegistrationTimeout) =
            (TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.Zero);
    }

    /// <summary>Comes from this address, and stays if it is let in: close code and reason, or <see cref="Admitted"/>.</summary>
    public async Task<(int Code, string Reason)> ComeAsync(string address)
    {
        var client = await RawClient.UpgradeAsync(server, "127.0.0.1", $"X-Forwarded-For: {address}");
        _clients.Add(client);
        var (opcode, payload) = await client.ReadFrameAsync();
        return opcode == TextFrame ? Admitted : (BinaryPrimitives.ReadUInt16BigEndian(payload), Encoding.UTF8.GetString(payload.AsSpan(2)));
    }

    public void Dispose() => _clients.ForEach(client => client.Dispose());
}
