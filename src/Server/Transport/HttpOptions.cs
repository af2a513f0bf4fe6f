using System.ComponentModel.DataAnnotations;
using System.Net;
using Relay.Configuration;

namespace Relay.Transport;

/// <summary>Where the status pages are.</summary>
internal sealed class HttpOptions : IValidatableObject
{
    /// <summary>Address and port of a listener for /health, /ready, /stats and /metrics alone, such as 127.0.0.1:9090, without TLS. Empty: they are on the public listeners only.</summary>
    public string Listen { get; set; } = "";

    /// <summary>Whether /metrics is on the public listeners too.</summary>
    [Live]
    public bool PublicMetrics { get; set; } = true;

    /// <summary>Whether /stats is on the public listeners too.</summary>
    [Live]
    public bool PublicStats { get; set; } = true;

    /// <summary>Open connections of that listener; one more is reset.</summary>
    internal int MaxConnections { get; set; } = 64;

    /// <summary>Where it listens; null: nowhere.</summary>
    public IPEndPoint? ListenEndPoint =>
        Listen.LastIndexOf(':') > Listen.LastIndexOf(']') && IPEndPoint.TryParse(Listen, out var endpoint) ? endpoint : null;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Listen.Length > 0 && ListenEndPoint is null)
        {
            yield return new ValidationResult($"'{Listen}' is no address with a port; write it like 127.0.0.1:9090 or [::]:9090", [nameof(Listen)]);
        }
    }
}
