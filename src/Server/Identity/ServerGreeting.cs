using Relay.Protocol;

namespace Relay.Identity;

/// <summary>
/// What every client hears first, encoded once for many: server_info, which never changes, and server_identity, which is
/// signed once for all who connect within a second.
/// </summary>
internal sealed class ServerGreeting(ServerIdentity identity, IdentityOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ProofAge = TimeSpan.FromSeconds(1);

    private readonly SharedMessage _info = new(MessageWriter.Write(
        new ServerInfo(identity.ServerId, options.Endpoint, options.Region is { Length: > 0 } region ? region : null),
        ServerJson.Default.ServerInfo));

    private readonly Lock _lock = new();

    // Guarded by _lock. Signing under it takes some 50 µs, once a second, and whoever waits needs the result.
    private SharedMessage? _proof;
    private long _provenAt;

    /// <summary>A share of each, for one client. Allocates nothing within the second.</summary>
    public (EncodedMessage Info, EncodedMessage Proof) Share()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_proof is null || time.GetElapsedTime(_provenAt, now) >= ProofAge)
            {
                var proof = new SharedMessage(MessageWriter.Write(identity.Prove(time), ServerJson.Default.ServerIdentityMessage));
                _proof?.Dispose();
                (_proof, _provenAt) = (proof, now);
            }

            return (_info.Share(), _proof.Share());
        }
    }

    public void Dispose()
    {
        _info.Dispose();
        _proof?.Dispose();
    }
}
