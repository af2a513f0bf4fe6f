using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Clients;

/// <summary>Who may be a client, and the names that clients go by: pairing codes and peer ids.</summary>
internal sealed class ClientOptions : IValidatableObject
{
    /// <summary>Origins of the web pages whose clients are served, exactly as browsers send them, such as https://app.example. Others get 403 before they take a slot. Clients that send no Origin, as programs that are no browser, are served. Empty: all.</summary>
    [Live]
    public string[] AllowedOrigins { get; set; } = [];

    /// <summary>How long a name stays reserved for its public key when its socket is gone. 0: it is free at once.</summary>
    [DurationRange("0", "1h")]
    public TimeSpan NameHold { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Names reserved in this way, of each kind; one more frees the oldest of whichever address has most.</summary>
    internal int MaxHeldNames { get; set; } = 65_536;

    /// <summary>Time that a socket has to answer a ping when another with its key claims its name.</summary>
    internal TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(3);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < AllowedOrigins.Length; i++)
        {
            if (!Uri.TryCreate(AllowedOrigins[i], UriKind.Absolute, out var uri) || uri.GetLeftPart(UriPartial.Authority) != AllowedOrigins[i] || uri.UserInfo.Length > 0)
            {
                yield return new ValidationResult(
                    $"'{AllowedOrigins[i]}' is no origin; write it as browsers send it: https://app.example, in small letters, with the port only where it is not the usual one, without a path",
                    [$"{nameof(AllowedOrigins)}:{i}"]);
            }
        }
    }
}
