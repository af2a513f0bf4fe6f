namespace Relay.Attestation;

/// <summary>How far one socket has come with its proof. Its own receive loop only.</summary>
internal sealed class AttestationState
{
    private (string DeviceId, string Nonce)? _challenge;
    private long? _provenAt;

    /// <summary>The socket was given a challenge, replacing one that it has not answered.</summary>
    public void Open(string deviceId, string nonce) => _challenge = (deviceId, nonce);

    /// <summary>Takes the open challenge, which is answered once, and gives its device; null when this nonce is not its.</summary>
    public string? Take(string nonce)
    {
        var deviceId = _challenge is { } challenge && challenge.Nonce == nonce ? challenge.DeviceId : null;
        _challenge = null;
        return deviceId;
    }

    public void Prove(TimeProvider time) => _provenAt = time.GetTimestamp();

    public bool IsAuthenticated(TimeSpan lifetime, TimeProvider time) => _provenAt is { } then && time.GetElapsedTime(then) < lifetime;
}
