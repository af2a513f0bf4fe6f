using System.Collections.Concurrent;
using Relay.Clients;
using Relay.Protocol;
using Relay.Protocol.Moving;

namespace Relay.Attestation;

/// <summary>
/// attest_request and attest_response, and the gate in front of what they open. A socket waits for its own request to the
/// authority before its next message is looked at, so it has one request in progress at most; no other client waits for it.
/// </summary>
internal sealed class AttestationHandler(AttestationOptions options, AttestationClient authority, GracePeriods grace, TimeProvider time) : IMovable
{
    private const string NotConfigured = "Attestation not configured";
    private const int MaxDeviceIdLength = 128;
    private const int MaxResponsesBytes = 16 * 1024;

    // Sockets that were given a challenge. A state belongs to its socket's receive loop, which has ended before it is removed.
    private readonly ConcurrentDictionary<Client, AttestationState> _states = [];

    /// <summary>True when the client may use what is gated: attested, in its address's grace period, or attestation is off.</summary>
    public bool Allows(Client client) =>
        !options.IsOn
        || (_states.TryGetValue(client, out var state) && state.IsAuthenticated(options.SessionLifetime, time))
        || grace.Allows(client.Session.Key, client.Session.ConnectedAt);

    public async ValueTask RequestAsync(Client client, ClientMessage message)
    {
        var buildToken = message.Text("build_token")!;
        var deviceId = message.Text("device_id")!;
        var error = !options.IsOn ? NotConfigured
            : buildToken.Length == 0 ? "Missing required field: build_token"
            : deviceId.Length == 0 ? "Missing required field: device_id"
            : null;
        if (error is not null)
        {
            client.SendError(error);
            return;
        }

        // What no authority would take is not worth a request.
        var challenge = buildToken.Length > BuildToken.MaxLength || deviceId.Length > MaxDeviceIdLength
            ? null
            : await authority.ChallengeAsync(client.Session.Key, buildToken, deviceId, client.Session.ConnectionClosed);
        if (challenge is null)
        {
            client.Send(MessageWriter.Write(
                new AttestError("Failed to get attestation challenge from bootstrap"), ServerJson.Default.AttestError));
            return;
        }

        _states.GetOrAdd(client, _ => new AttestationState()).Open(deviceId, challenge.Nonce);
        client.Send(MessageWriter.Write(
            new AttestChallenge(challenge.Nonce, new RawJson(challenge.Regions)), ServerJson.Default.AttestChallenge));
    }

    public async ValueTask RespondAsync(Client client, ClientMessage message)
    {
        var nonce = message.Text("nonce")!;
        var responses = message.Value("responses");
        var error = !options.IsOn ? NotConfigured
            : nonce.Length == 0 ? "Missing required field: nonce"
            : responses.Count == 0 ? "Missing or empty responses array"
            : null;
        if (error is not null)
        {
            client.SendError(error);
            return;
        }

        // A proof of another's challenge, or a second one of the same, proves nothing: the authority need not be asked.
        var state = _states.GetValueOrDefault(client);
        var verdict = state?.Take(nonce) is { } deviceId && responses.Raw.Length <= MaxResponsesBytes
            ? await authority.VerifyAsync(client.Session.Key, deviceId, nonce, new RawJson(responses.Raw), client.Session.ConnectionClosed)
            : null;
        if (client.Session.ConnectionClosed.IsCancellationRequested)
        {
            // There is no client left to verify: the session has its own close reason.
            return;
        }

        if (verdict is not { IsValid: true })
        {
            client.Send(MessageWriter.Write(new AttestFailed("Attestation verification failed"), ServerJson.Default.AttestFailed));
            client.Session.Close(CloseReason.AttestationFailed);
            return;
        }

        // Without a token the authority vouches for nothing that lasts.
        if (verdict.SessionToken is not null)
        {
            state!.Prove(time);
        }

        client.Send(MessageWriter.Write(new AttestSuccess(verdict.SessionToken), ServerJson.Default.AttestSuccess));
    }

    public void Leave(Client client) => _states.TryRemove(client, out _);

    /// <summary>Whoever has begun to prove what he is does not move to another process.</summary>
    public IEnumerable<long> Staying() => _states.Keys.Select(client => client.Session.Id);

    public void Write(Departure departure)
    {
    }

    public bool TryRead(MovedPart part, Arrivals arrivals) => false;
}
