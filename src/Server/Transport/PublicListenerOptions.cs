using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Net;
using Relay.Addresses;
using Relay.Configuration;

namespace Relay.Transport;

/// <summary>What carries clients' connections.</summary>
internal enum TransportKind
{
    /// <summary>The engine where it can.</summary>
    Auto,

    /// <summary>The relay's own loops.</summary>
    Engine,

    /// <summary>The web server that also answers the status pages.</summary>
    Kestrel,
}

/// <summary>The public listeners: clients, peer servers and the small HTTP pages.</summary>
internal sealed class PublicListenerOptions : IValidatableObject
{
    /// <summary>Address to listen on: 0.0.0.0 all of IPv4, :: all of IPv6 and IPv4.</summary>
    public string Address { get; set; } = "0.0.0.0";

    /// <summary>TCP port; 0 lets the system choose.</summary>
    [Range(0, 65535)]
    public int Port { get; set; } = 9000;

    /// <summary>Certificate chain in PEM for https and wss; empty: plain http and ws. Goes with KeyFile.</summary>
    [Live(OnlyWhereGiven = true)]
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key in PEM. Goes with CertificateFile.</summary>
    [Live(OnlyWhereGiven = true)]
    public string KeyFile { get; set; } = "";

    /// <summary>How clients' addresses are found. The default reads X-Forwarded-For of trusted networks and else counts sockets' own addresses.</summary>
    [Description(ClientAddressRule.Words)]
    public string ClientAddress { get; set; } = nameof(ClientAddressMode.XForwardedFor);

    /// <summary>Listeners beside the first, such as "0.0.0.0:9001 ProxyProtocol" for a proxy's own entrance.</summary>
    [Description("a list of ADDRESS:PORT [Tls] [ATTRIBUTION]")]
    public string[] More { get; set; } = [];

    /// <summary>Time a connection has until its request is whole: PROXY header, TLS and request head together. 10 s is long for a slow phone and short for a half-open flood.</summary>
    [DurationRange("1s", "1m")]
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Pending handshakes in total, at most a quarter of the open files; above it the oldest of whoever has most, address or network, is reset.</summary>
    [Range(16, 1_000_000)]
    public int MaxHandshakes { get; set; } = 4_096;

    /// <summary>Pending handshakes of one address; above it the oldest of that address is reset. Behind a proxy with the PROXY protocol the address in its header counts. An override that allows an address more connections allows as many of these.</summary>
    [Range(1, 1_000_000)]
    public int MaxHandshakesPerIp { get; set; } = 100;

    /// <summary>What carries clients. Auto: the engine where it can, which is on Linux and without TLS; Kestrel elsewhere.</summary>
    public TransportKind Transport { get; set; }

    /// <summary>Threads of the engine; 0: one less than there are cores, and at least one.</summary>
    [Range(0, 1024)]
    public int Loops { get; set; }

    /// <summary>Connections that wait to be accepted, in the kernel's queue.</summary>
    internal int Backlog { get; set; } = 4096;

    /// <summary>Open files that clients never take, beside those that are open at the start: for both admin listeners, the database, the audit and what is loaded later.</summary>
    [Range(0, 100_000)]
    public int ReservedFiles { get; set; } = 192;

    public bool UsesTls => CertificateFile.Length > 0;

    /// <summary>Where clients on this machine reach the first listener.</summary>
    public string LocalEndpoint => $"{(UsesTls ? "wss" : "ws")}://localhost:{Port}";

    /// <summary>Every listener, the first one first; only of settings without a error.</summary>
    public IReadOnlyList<Listener> Listeners =>
    [
        new(
            new IPEndPoint(IPAddress.Parse(Address), Port),
            UsesTls,
            ClientAddressRule.TryParse(ClientAddress, out var rule, out var error) ? rule : throw new FormatException(error)),
        .. More.Select(text => Listener.TryParse(text, out var listener, out var error) ? listener : throw new FormatException(error)),
    ];

    /// <summary>Whether the engine carries a listener's clients. TLS is Kestrel's, whatever the setting says.</summary>
    public bool UsesEngine(Listener listener) => Transport != TransportKind.Kestrel && !listener.UsesTls && OperatingSystem.IsLinux();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Transport == TransportKind.Engine && !OperatingSystem.IsLinux())
        {
            yield return new ValidationResult("the engine runs on Linux only; use Auto or Kestrel", [nameof(Transport)]);
        }

        if (!IPAddress.TryParse(Address, out _))
        {
            yield return new ValidationResult($"'{Address}' is not an IP address; use 0.0.0.0, :: or one of this machine's", [nameof(Address)]);
        }

        if (CertificateFile.Length > 0 != KeyFile.Length > 0)
        {
            yield return new ValidationResult(
                "CertificateFile and KeyFile go together; give both for TLS or none",
                [CertificateFile.Length > 0 ? nameof(KeyFile) : nameof(CertificateFile)]);
        }

        if (!ClientAddressRule.TryParse(ClientAddress, out _, out var unknown))
        {
            yield return new ValidationResult(unknown, [nameof(ClientAddress)]);
        }

        var taken = new HashSet<string> { $"{Address}:{Port}", $"[{Address}]:{Port}" };
        for (var i = 0; i < More.Length; i++)
        {
            if (!Listener.TryParse(More[i], out var listener, out var error))
            {
                yield return new ValidationResult(error, [$"{nameof(More)}:{i}"]);
            }
            else if (listener.UsesTls && !UsesTls)
            {
                yield return new ValidationResult($"'{More[i]}' needs CertificateFile and KeyFile for Tls", [$"{nameof(More)}:{i}"]);
            }
            else if (listener.EndPoint.Port != 0 && !taken.Add(listener.EndPoint.ToString()))
            {
                yield return new ValidationResult($"'{More[i]}' is where another listener is", [$"{nameof(More)}:{i}"]);
            }
        }

        foreach (var (name, file) in new[] { (nameof(CertificateFile), CertificateFile), (nameof(KeyFile), KeyFile) })
        {
            if (file.Length > 0 && !File.Exists(file))
            {
                yield return new ValidationResult($"there is no file '{file}'", [name]);
            }
        }
    }
}
