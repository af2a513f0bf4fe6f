using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Relay.Cluster;

/// <summary>NATS subjects of one cluster; all begin with `relay.`, its name and a dot, which is what an account of NATS has to allow, with `_INBOX.` beside it.</summary>
internal sealed class ClusterSubjects(ClusterOptions options)
{
    private const int HashBytes = 16;

    private readonly string _prefix = $"relay.{options.Name}.";

    /// <summary>What every node hears.</summary>
    public string All(string matter) => $"{_prefix}all.{matter}";

    /// <summary>The node of this name, whichever start of it.</summary>
    public string Name(string node) => $"{_prefix}name.{node}";

    /// <summary>One start of a node.</summary>
    public string Node(ulong epoch, string matter) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}node.{epoch:x}.{matter}");

    /// <summary>The holder of something by its name. Names do not appear on the wire: whoever may watch NATS' subjects learns none.</summary>
    public string Holder(string kind, string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return $"{_prefix}{kind}.{Convert.ToHexStringLower(hash[..HashBytes])}";
    }
}
