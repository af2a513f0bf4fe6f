using System.ComponentModel.DataAnnotations;
using Relay.Addresses;

namespace Relay.Federation;

/// <summary>Which other servers may connect on /federation and /server. They count against no client limit.</summary>
internal sealed class FederationOptions : IValidatableObject
{
    /// <summary>Listed: only the servers named in Servers (none named: both paths are switched off). Any: every server with a valid key.</summary>
    public FederationAdmit Admit { get; set; } = FederationAdmit.Listed;

    /// <summary>Server ids that are admitted, "ed25519:" and the public key in base64url.</summary>
    public string[] Servers { get; set; } = [];

    /// <summary>Servers that are dialled: wss://relay.example, or with the id that must answer, which is then admitted too, ed25519:...@wss://relay.example. Servers that had a link before, and those that others name, are dialled as well.</summary>
    public string[] Connect { get; set; } = [];

    /// <summary>True: a handshake must name this server's id as its audience, so that one that was sent to another server is worth nothing here. For networks in which every server does so; false: it is checked where it is named.</summary>
    public bool RequireAudience { get; set; }

    /// <summary>
    /// True: endpoints of other servers may be in private networks and on this host. False: they are neither dialled nor given to clients.
    /// </summary>
    public bool PrivateEndpoints { get; set; }

    /// <summary>
    /// How many servers keep a rendezvous point or token. Nothing is copied between them, so peers on different ones of them do not meet; with 1
    /// all clients are sent to one. The servers of a federation should use the same number; 3 is the network's.
    /// </summary>
    [Range(1, 10)]
    public int ReplicationFactor { get; set; } = 3;

    /// <summary>Positions of each server on the ring, beside one for its node id. All servers of a federation must use the same number; 150 is the network's.</summary>
    [Range(1, 1000)]
    public int VirtualNodes { get; set; } = 150;

    /// <summary>Address of a registry in which servers find each other, such as https://registry.example; empty: none is used.</summary>
    public string BootstrapUrl { get; set; } = "";

    /// <summary>File with the secret that the registry asks for; empty: it asks for none.</summary>
    public string BootstrapSecretFile { get; set; } = "";

    /// <summary>Public key with which the registry signs its list, Ed25519 in base64; empty: signatures are not checked, and TLS alone says whose list it is.</summary>
    public string BootstrapKey { get; set; } = "";

    /// <summary>Authenticated links in total.</summary>
    [Range(1, 10_000)]
    public int MaxPeers { get; set; } = 256;

    /// <summary>Pending sockets, which have not authenticated yet, in total.</summary>
    internal int MaxPending { get; set; } = 32;

    /// <summary>Pending sockets, which have not authenticated yet, per address.</summary>
    internal int MaxPendingPerIp { get; set; } = 4;

    /// <summary>Time a peer has for its handshake.</summary>
    internal TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Handshakes that are remembered so that they work once; one more forgets the oldest of whichever address has most.</summary>
    internal int MaxReplays { get; set; } = 4096;

    /// <summary>How far a handshake's timestamp may be from our clock, either way.</summary>
    internal TimeSpan Freshness { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Where known and blocked servers are kept.</summary>
    internal string PeersFile { get; set; } = "peers.json";

    /// <summary>Time for one request to the registry.</summary>
    internal TimeSpan BootstrapTimeout { get; set; } = TimeSpan.FromSeconds(10);

    public bool IsOn => Admit == FederationAdmit.Any || Admitted.Any();

    /// <summary>The servers that the settings name by id, as they are written there.</summary>
    public IEnumerable<string> Admitted => Servers.Concat(Connect.Select(entry => ConnectEntry.Parse(entry)?.ServerId).OfType<string>());

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

        for (var i = 0; i < Connect.Length; i++)
        {
            if (ConnectEntry.Parse(Connect[i]) is null)
            {
                yield return new ValidationResult(
                    $"'{Connect[i]}' is no endpoint; write it like wss://relay.example or ed25519:...@wss://relay.example", [$"{nameof(Connect)}:{i}"]);
            }
        }

        if (Connect.Length > 0 && !IsOn)
        {
            yield return new ValidationResult(
                "no server is admitted, so none of these could be linked; write the id before the endpoint (ed25519:...@wss://relay.example), name it in Federation:Servers, or set Federation:Admit to Any",
                [nameof(Connect)]);
        }

        if (BootstrapUrl.Length > 0 && !IsOn)
        {
            yield return new ValidationResult(
                "no server is admitted, so the registry's servers could not be linked; name them in Federation:Servers, or set Federation:Admit to Any",
                [nameof(BootstrapUrl)]);
        }

        if (BootstrapUrl.Length > 0 && !SecureUrl.Is(BootstrapUrl))
        {
            yield return new ValidationResult(
                $"'{BootstrapUrl}' is no https address; write it like https://registry.example (http works for this host only)", [nameof(BootstrapUrl)]);
        }

        if (BootstrapKey.Length > 0 && Bootstrap.BootstrapList.ReadKey(BootstrapKey) is null)
        {
            yield return new ValidationResult("the key is 32 bytes in base64", [nameof(BootstrapKey)]);
        }
    }
}

/// <summary>Which servers are admitted.</summary>
internal enum FederationAdmit
{
    Listed,
    Any,
}
