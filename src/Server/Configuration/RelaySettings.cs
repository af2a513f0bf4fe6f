using Relay.AdminAuth;
using Relay.Admission;
using Relay.Attestation;
using Relay.AuditLog;
using Relay.Channels;
using Relay.Chunks;
using Relay.Clients;
using Relay.Federation;
using Relay.Identity;
using Relay.Policy;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Signaling;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Configuration;

/// <summary>
/// Every option of the relay: one section per folder, the property's name is the section's. A public property of a section is
/// an option, with its summary as its text in docs/configuration.md; an internal one is a constant that only tests change.
/// </summary>
internal sealed class RelaySettings
{
    public PublicListenerOptions Listen { get; set; } = new();

    public AdmissionOptions Admission { get; set; } = new();

    public AutoBanOptions AutoBan { get; set; } = new();

    public OverloadOptions Overload { get; set; } = new();

    public Relay.Sessions.ClientSessionOptions Sessions { get; set; } = new();

    public ClientOptions Clients { get; set; } = new();

    public SignalingOptions Signaling { get; set; } = new();

    public RelayOptions Relays { get; set; } = new();

    public RendezvousOptions Rendezvous { get; set; } = new();

    public ChannelOptions Channels { get; set; } = new();

    public ChunkOptions Chunks { get; set; } = new();

    public AttestationOptions Attestation { get; set; } = new();

    public IdentityOptions Identity { get; set; } = new();

    public FederationOptions Federation { get; set; } = new();

    public StorageOptions Storage { get; set; } = new();

    public AdminOptions Admin { get; set; } = new();

    public AuditOptions Audit { get; set; } = new();

    public LogOptions Log { get; set; } = new();

    /// <summary>Contradictions between two sections that are valid alone.</summary>
    public IEnumerable<string> Contradictions()
    {
        if (Admission.TrustedProxies.Length == 0
            && Listen.Listeners.FirstOrDefault(listener => listener.ClientAddress.NeedsTrust) is { } listener)
        {
            yield return $"Admission:TrustedProxies: is empty, so no PROXY header would be trusted on the listener {listener}; list the proxies' networks";
        }
    }
}
