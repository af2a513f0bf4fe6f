using System.ComponentModel.DataAnnotations;
using Relay.Addresses;
using Relay.Configuration;
using Relay.Policy;

namespace Relay.ClientAuth;

/// <summary>Whether clients must show a token, and who says whether it is valid. Off unless one of KeyFile, JwksUrl and HookUrl is set.</summary>
internal sealed class ClientAuthOptions : IValidatableObject
{
    /// <summary>File with the keys that sign clients' tokens (JWT): a JSON Web Key Set, one JSON Web Key, or public keys in PEM. Read again when it changes; one that cannot be used leaves the keys as they were.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>Address of a JSON Web Key Set with the public keys that sign clients' tokens (JWT), such as https://id.example/.well-known/jwks.json. Fetched every five minutes, and when a token names a key that is not known.</summary>
    public string JwksUrl { get; set; } = "";

    /// <summary>Address that each token is sent to, and whose answer says whether the client may come in, such as https://app.example/relay-auth.</summary>
    public string HookUrl { get; set; } = "";

    /// <summary>Who must have issued a token (its claim iss); empty: anybody who has one of the keys.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>Whom a token must be for (one of its claim aud); empty: whomever.</summary>
    public string Audience { get; set; } = "";

    /// <summary>Connections of one subject whose token, or the hook, gives no limit of its own. 0: no limit.</summary>
    [Live]
    [Range(0, AdmissionOptions.MaxLimit)]
    public int PerSubject { get; set; }

    /// <summary>Time that the hook has to answer, waiting for its turn not included. Shorter than Listen:HandshakeTimeout.</summary>
    [DurationRange("100ms", "30s")]
    public TimeSpan HookTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Admits clients without a subject when the hook does not answer, or with something else than an answer. False: they are rejected.</summary>
    [Live]
    public bool HookFailOpen { get; set; }

    /// <summary>True when clients must show a token.</summary>
    internal bool IsOn => Given().Any();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var given = Given().ToList();
        if (given.Count > 1)
        {
            yield return new ValidationResult($"only one of KeyFile, JwksUrl and HookUrl says whether a token is valid; {string.Join(" and ", given)} are set", [given[^1]]);
        }

        foreach (var (name, url) in new[] { (nameof(JwksUrl), JwksUrl), (nameof(HookUrl), HookUrl) })
        {
            if (url.Length > 0 && !SecureUrl.Is(url))
            {
                yield return new ValidationResult($"'{url}' is no https address; write it like https://id.example/path (http works for this host only)", [name]);
            }
        }

        var isJwt = KeyFile.Length > 0 || JwksUrl.Length > 0;
        foreach (var (name, isSet) in new[] { (nameof(Issuer), Issuer.Length > 0), (nameof(Audience), Audience.Length > 0) })
        {
            if (isSet && !isJwt)
            {
                yield return new ValidationResult("is of use only with KeyFile or JwksUrl, which are not set", [name]);
            }
        }

        if (HookFailOpen && HookUrl.Length == 0)
        {
            yield return new ValidationResult("is of use only with HookUrl, which is not set", [nameof(HookFailOpen)]);
        }
    }

    private IEnumerable<string> Given() =>
        new[] { (nameof(KeyFile), KeyFile), (nameof(JwksUrl), JwksUrl), (nameof(HookUrl), HookUrl) }.Where(one => one.Item2.Length > 0).Select(one => one.Item1);
}
