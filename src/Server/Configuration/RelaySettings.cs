using System.Collections.Concurrent;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Attestation;
using Relay.AuditLog;
using Relay.Channels;
using Relay.Chunks;
using Relay.ClientAuth;
using Relay.Clients;
using Relay.Cluster;
using Relay.Federation;
using Relay.Identity;
using Relay.Memory;
using Relay.Policy;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Signaling;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Configuration;

/// <summary>
/// Every option of the relay: one section per folder, the property's name is the section's, where it has no other. A public property of a section is
/// an option, with its summary as its text in docs/configuration.md; an internal one is a constant that only tests change.
/// </summary>
internal sealed class RelaySettings
{
    public PublicListenerOptions Listen { get; set; } = new();

    public HttpOptions Http { get; set; } = new();

    public AdmissionOptions Admission { get; set; } = new();

    public AutoBanOptions AutoBan { get; set; } = new();

    public OverloadOptions Overload { get; set; } = new();

    public Relay.Sessions.ClientSessionOptions Sessions { get; set; } = new();

    public ClientOptions Clients { get; set; } = new();

    [ConfigurationKeyName("Clients:Auth")]
    public ClientAuthOptions ClientAuth { get; set; } = new();

    public SignalingOptions Signaling { get; set; } = new();

    public RelayOptions Relays { get; set; } = new();

    public RendezvousOptions Rendezvous { get; set; } = new();

    public ChannelOptions Channels { get; set; } = new();

    public ChunkOptions Chunks { get; set; } = new();

    public AttestationOptions Attestation { get; set; } = new();

    public IdentityOptions Identity { get; set; } = new();

    public FederationOptions Federation { get; set; } = new();

    public StorageOptions Storage { get; set; } = new();

    public ClusterOptions Cluster { get; set; } = new();

    public AdminOptions Admin { get; set; } = new();

    public DataOptions Data { get; set; } = new();

    public AuditOptions Audit { get; set; } = new();

    public LogOptions Log { get; set; } = new();

    /// <summary>Where the value of each option comes from, by its path; none: the default. A reload changes it with the value.</summary>
    internal ConcurrentDictionary<string, string> Sources { get; } = new(StringComparer.Ordinal);

    /// <summary>Files that the relay makes and that are named without a folder lie in the data folder.</summary>
    public void PlaceFiles(string folder)
    {
        Identity.KeyFile = Place(Identity.KeyFile);
        Storage.File = Place(Storage.File);
        Admission.PolicyFile = Place(Admission.PolicyFile);
        Admin.TokenFile = Place(Admin.TokenFile);
        Audit.File = Place(Audit.File);
        Federation.PeersFile = Place(Federation.PeersFile);

        string Place(string file) => file.Length == 0 ? file : Path.Combine(folder, file);
    }

    /// <summary>Contradictions between two sections that are valid alone.</summary>
    public IEnumerable<string> Contradictions()
    {
        if (Admission.TrustedProxies.Length == 0
            && Listen.Listeners.FirstOrDefault(listener => listener.ClientAddress.NeedsTrust) is { } listener)
        {
            yield return $"Admission:TrustedProxies: is empty, so no PROXY header would be trusted on the listener {listener}; list the proxies' networks";
        }

        if (Cluster.IsOn && Storage.Connection.Length == 0)
        {
            yield return "Cluster:Nats: is set, so Storage:Connection is needed: the relays of a cluster share one PostgreSQL database";
        }

        if (ClientAuth.HookUrl.Length > 0 && ClientAuth.HookTimeout >= Listen.HandshakeTimeout)
        {
            yield return $"Clients:Auth:HookTimeout: must be shorter than Listen:HandshakeTimeout ({Durations.Format(Listen.HandshakeTimeout)}), at which a client that waits for the hook is reset";
        }

        var messages = (long)MemoryBudget.SizeOf(Sessions.MaxMessageBytes) * MemoryBudget.MinMessages;
        if (Admission.MemoryBudget > 0 && (long)Admission.MemoryBudget << 20 < messages)
        {
            yield return $"Admission:MemoryBudget: must be 0 or at least {(messages + (1 << 20) - 1) >> 20}, enough for {MemoryBudget.MinMessages} messages of Sessions:MaxMessageBytes";
        }
    }
}
