using System.ComponentModel.DataAnnotations;

namespace Relay.Identity;

/// <summary>Who this server is, to clients and to other servers.</summary>
internal sealed class IdentityOptions : IValidatableObject
{
    /// <summary>File with the server's key, made in `Data:Folder` at the first start with mode 0600. A new key is a new server.</summary>
    public string KeyFile { get; set; } = "server.key";

    /// <summary>Endpoint of this server for clients and other servers, sent in server_info and in handshakes; empty: ws or wss://localhost and Listen:Port.</summary>
    public string PublicEndpoint { get; set; } = "";

    /// <summary>Where clients on this machine reach it.</summary>
    internal string LocalEndpoint { get; set; } = "";

    /// <summary>What others are told.</summary>
    public string Endpoint => PublicEndpoint.Length > 0 ? PublicEndpoint : LocalEndpoint;

    /// <summary>Region sent in server_info; empty: none.</summary>
    public string Region { get; set; } = "";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (KeyFile.Length == 0)
        {
            yield return new ValidationResult("a file name is needed", [nameof(KeyFile)]);
        }

        if (PublicEndpoint.Length > 0 && (!Uri.TryCreate(PublicEndpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("ws" or "wss")))
        {
            yield return new ValidationResult($"'{PublicEndpoint}' is no WebSocket address; write it like wss://relay.example", [nameof(PublicEndpoint)]);
        }
    }
}
