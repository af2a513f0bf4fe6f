using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Relay.Listening;

/// <summary>The public listener: clients, peer servers and the small HTTP pages.</summary>
internal sealed class ListenOptions : IValidatableObject
{
    /// <summary>Address to listen on: 0.0.0.0 all of IPv4, :: all of IPv6 and IPv4.</summary>
    public string Address { get; set; } = "0.0.0.0";

    /// <summary>TCP port; 0 lets the system choose.</summary>
    [Range(0, 65535)]
    public int Port { get; set; } = 9000;

    /// <summary>Certificate chain in PEM for https and wss; empty: plain http and ws. Goes with KeyFile.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key in PEM. Goes with CertificateFile.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>Time a connection has to send its whole request head. 10 s is long for a slow phone and short for a half-open flood.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time a plain HTTP connection may stay open between two requests.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections that wait to be accepted, in the kernel's queue.</summary>
    [Range(16, 65535)]
    public int Backlog { get; set; } = 4096;

    public bool UsesTls => CertificateFile.Length > 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
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

        foreach (var (name, file) in new[] { (nameof(CertificateFile), CertificateFile), (nameof(KeyFile), KeyFile) })
        {
            if (file.Length > 0 && !File.Exists(file))
            {
                yield return new ValidationResult($"there is no file '{file}'", [name]);
            }
        }
    }
}
