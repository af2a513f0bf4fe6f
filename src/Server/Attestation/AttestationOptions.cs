using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Attestation;

/// <summary>Whether clients must prove what they run before they may use chunks.</summary>
internal sealed class AttestationOptions : IValidatableObject
{
    /// <summary>Base URL of the authority that sets and verifies challenges; empty: attestation is off and nothing is gated.</summary>
    public string AuthorityUrl { get; set; } = "";

    /// <summary>How long a success holds; after it the client proves itself again.</summary>
    internal TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long an address may use chunks without attestation, from its first socket that does. A new socket is no new time.</summary>
    [DurationRange("0", "1d")]
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Addresses whose free time is remembered; one more forgets one of the network that has most. Longer than an hour unused: forgotten too.</summary>
    internal int MaxGracePeriods { get; set; } = 65_536;

    /// <summary>Maximum wait for the authority's answer.</summary>
    internal TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests to the authority at once; one more ends one of whichever address has most, or fails without being sent.</summary>
    internal int MaxRequests { get; set; } = 64;

    public bool IsOn => AuthorityUrl.Length > 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        // A path may follow, but nothing that would end up before the path of a request; a password would end up in logs.
        if (IsOn && (!Uri.TryCreate(AuthorityUrl, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https")
            || (uri.Query + uri.Fragment + uri.UserInfo).Length > 0))
        {
            yield return new ValidationResult("is no plain web address; write it like https://authority.example", [nameof(AuthorityUrl)]);
        }
    }
}
