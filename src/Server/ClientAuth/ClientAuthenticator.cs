using Relay.Addresses;
using Relay.Admission;
using Relay.Transport;

namespace Relay.ClientAuth;

/// <summary>The one answer to "who is this client?", before a slot is taken.</summary>
internal sealed class ClientAuthenticator(ClientAuthOptions options, TokenVerifier verifier, KeyFile file, PublishedKeys published, AuthHook hook)
{
    /// <summary>False: clients need no token, and nobody may be asked about one.</summary>
    public bool IsOn { get; } = options.IsOn;

    /// <summary>Judges the token of a request. Mostly at once; never throws.</summary>
    public ValueTask<Credential> AuthenticateAsync(UpgradeRequest request, IpKey address, Connection connection) =>
        ClientToken.Of(request) is not { } token ? ValueTask.FromResult(Credential.Unauthorized)
        : options.HookUrl.Length > 0 ? hook.AskAsync(token, address, connection)
        : VerifyAsync(token);

    private async ValueTask<Credential> VerifyAsync(string token)
    {
        var isPublished = options.JwksUrl.Length > 0;
        var keys = isPublished ? published.Current : file.Current;
        if (keys.Count > 0 && await verifier.VerifyAsync(token, keys) is { } known)
        {
            return known;
        }

        if (!isPublished)
        {
            return Credential.Unauthorized;
        }

        var fresh = await published.FindNewAsync();
        return fresh.Count == 0 ? Credential.Unavailable
            : ReferenceEquals(fresh, keys) ? Credential.Unauthorized
            : await verifier.VerifyAsync(token, fresh) ?? Credential.Unauthorized;
    }
}
