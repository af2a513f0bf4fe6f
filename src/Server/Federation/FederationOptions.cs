using System.ComponentModel.DataAnnotations;

namespace Relay.Federation;

/// <summary>Which other servers may connect on /federation and /server. They count against no client limit.</summary>
internal sealed class FederationOptions : IValidatableObject
{
    /// <summary>Listed: only the servers named in Servers (none named: both paths are switched off). Any: every server with a valid key.</summary>
    public FederationAdmit Admit { get; set; } = FederationAdmit.Listed;

    /// <summary>Server ids that are admitted, "ed25519:" and the public key in base64url.</summary>
    public string[] Servers { get; set; } = [];

    /// <summary>True: a handshake must name this server's id as its audience, so that one that was sent to another server is worth nothing here. For networks in which every server does so; false: it is checked where it is named.</summary>
    public bool RequireAudience { get; set; }

    /// <summary>Authenticated links in total.</summary>
    [Range(1, 10_000)]
    public int MaxPeers { get; set; } = 256;

    /// <summary>Pending sockets, which have not authenticated yet, in total.</summary>
    internal int MaxUnproven { get; set; } = 32;

    /// <summary>Pending sockets, which have not authenticated yet, per address.</summary>
    internal int MaxUnprovenPerIp { get; set; } = 4;

    /// <summary>Time a peer has for its handshake.</summary>
    internal TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Handshakes that are remembered so that they work once; one more forgets the oldest of whichever address has most.</summary>
    internal int MaxReplays { get; set; } = 4096;

    /// <summary>How far a handshake's timestamp may be from our clock, either way.</summary>
    internal TimeSpan Freshness { get; set; } = TimeSpan.FromMinutes(5);

    public bool IsOn => Admit == FederationAdmit.Any || Servers.Length > 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < Servers.Length; i++)
        {
            if (!Relay.Identity.ServerId.TryParse(Servers[i], out _))
            {
                yield return new ValidationResult(
                    $"'{Servers[i]}' is no server id; it is \"ed25519:\" and 32 bytes in base64url, as relayctl stats of that server shows",
                    [$"{nameof(Servers)}:{i}"]);
            }
        }
    }
}

/// <summary>Which servers are admitted.</summary>
internal enum FederationAdmit
{
    Listed,
    Any,
}
