using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Relay.Configuration;

namespace Relay.Cluster;

/// <summary>Several relays that serve as one. They find each other over NATS and share a PostgreSQL database.</summary>
internal sealed partial class ClusterOptions : IValidatableObject
{
    private const string Words = "letters, digits, '-' and '_', at most 64";

    /// <summary>
    /// NATS servers, `nats://host:4222` or `tls://host:4222`, any of which will do. A user and password may be in the address, `nats://relay:...@host`:
    /// then keep it in a file that only the relay may read or in `RELAY_CLUSTER__NATS__0`, not on the command line. Empty: the relay is alone.
    /// </summary>
    [Secret]
    public string[] Nats { get; set; } = [];

    /// <summary>Name of the cluster, the same on all its relays: several clusters may share NATS servers.</summary>
    public string Name { get; set; } = "relay";

    /// <summary>Name of this relay, of which no two in the cluster are alike. Empty: the host's name.</summary>
    public string Node { get; set; } = "";

    /// <summary>File with the credentials for NATS, as its tools write it (`.creds`), or with the seed of an nkey. Empty: none.</summary>
    public string Credentials { get; set; } = "";

    /// <summary>PEM file with the certificates that sign those of the NATS servers. Empty: the system's.</summary>
    public string Ca { get; set; } = "";

    /// <summary>PEM file with the certificate that the relay shows to NATS servers. Needs `Cluster:Key`. Empty: none.</summary>
    public string Certificate { get; set; } = "";

    /// <summary>PEM file with the key of `Cluster:Certificate`.</summary>
    public string Key { get; set; } = "";

    /// <summary>Whether the relay is not ready (`/ready` is 503), and does not start, while no NATS server can be reached.</summary>
    public bool Required { get; set; }

    /// <summary>
    /// Clients of all nodes together, at most; 0: as many as the nodes' own limits add up to. Each node counts what the others told within the last
    /// second, so that it may be exceeded by as many as arrive at them meanwhile.
    /// </summary>
    [Range(0, 1_000_000_000)]
    public int Total { get; set; }

    /// <summary>Bytes of a message at most; NATS' own default.</summary>
    internal int MaxMessageBytes { get; set; } = 1 << 20;

    /// <summary>Messages that may wait to be sent; one more is refused.</summary>
    internal int MaxWaiting { get; set; } = 65_536;

    /// <summary>Bytes of messages that may wait to be sent.</summary>
    internal int MaxWaitingBytes { get; set; } = 16 << 20;

    /// <summary>How long the answer to a question may take before the other node counts as silent.</summary>
    internal TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the start waits for a NATS server before it goes on alone.</summary>
    internal TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(5);

    public bool IsOn => Nats.Length > 0;

    /// <summary>Name of this node.</summary>
    public string NodeName => Node.Length > 0 ? Node : HostName();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var address in Nats.Where(address => !NatsAddress.TryParse(address, out _)))
        {
            yield return new ValidationResult($"'{NatsAddress.WithoutPassword(address)}' is no address of a NATS server; write nats://host:4222 or tls://host:4222", [nameof(Nats)]);
        }

        if (!Word().IsMatch(Name))
        {
            yield return new ValidationResult($"'{Name}' is no name of a cluster; use {Words}", [nameof(Name)]);
        }

        if (Node.Length > 0 && !Word().IsMatch(Node))
        {
            yield return new ValidationResult($"'{Node}' is no name of a node; use {Words}", [nameof(Node)]);
        }

        if (Certificate.Length > 0 != Key.Length > 0)
        {
            yield return new ValidationResult("is needed together with Cluster:Key", [nameof(Certificate)]);
        }

        foreach (var (file, name) in new[] { (Credentials, nameof(Credentials)), (Ca, nameof(Ca)), (Certificate, nameof(Certificate)), (Key, nameof(Key)) })
        {
            if (file.Length > 0 && !File.Exists(file))
            {
                yield return new ValidationResult($"there is no file {file}", [name]);
            }
        }
    }

    private static string HostName()
    {
        var name = Forbidden().Replace(Environment.MachineName, "-");
        return name.Length > 64 ? name[..64] : name;
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,64}$")]
    private static partial Regex Word();

    [GeneratedRegex("[^A-Za-z0-9_-]")]
    private static partial Regex Forbidden();
}
