using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Admission;
using Relay.ClientAuth;

namespace Server.Tests.ClientAuth;

/// <summary>Whatever is sent as a token is refused without an exception; only what was signed is taken.</summary>
public sealed class TokenVerifierProperties
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly KeySet Keys = KeySetReader.Read(Encoding.UTF8.GetBytes($$"""{"kty":"oct","k":"{{Base64Url.EncodeToString(Secret)}}"}"""), isPublished: false);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 0, 0, 0, TimeSpan.Zero));

    private string Valid => Sign("""{"alg":"HS256"}""", $$"""{"sub":"alice","max_connections":7,"unlimited":true,"exp":{{_time.GetUtcNow().ToUnixTimeSeconds() + 60}}}""");

    [Fact]
    public async Task Verify_ValidToken_GivesItsSubject()
    {
        var credential = await VerifyAsync(Valid);

        Assert.Equal((Refusal.None, "alice", 7, true), (credential.Refusal, credential.Subject!.Name, credential.Subject.Limit, credential.Subject.IsUnlimited));

        // A minute later it has expired, another minute is for clocks that differ.
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(Refusal.None, (await VerifyAsync(Valid)).Refusal);
        var old = Valid;
        _time.Advance(TimeSpan.FromSeconds(121));
        Assert.Equal(Refusal.Unauthorized, (await VerifyAsync(old)).Refusal);
    }

    [Theory]
    [InlineData("""{"alg":"HS256","typ":"JWT","kid":"any"}""", true)]
    [InlineData("""{"alg":"HS256","crit":["b64"],"b64":false}""", false)]
    [InlineData("""{"alg":"HS256","crit":[]}""", false)]
    [InlineData("""{"alg":"HS256","crit":"exp"}""", false)]
    public async Task Verify_HeaderThatIsCritical_IsRefused(string header, bool isAccepted) =>
        Assert.Equal(isAccepted, (await VerifyAsync(Sign(header, $$"""{"sub":"alice","exp":{{_time.GetUtcNow().ToUnixTimeSeconds() + 60}}}"""))).Refusal == Refusal.None);

    [Fact]
    public void Verify_TokenThatWasChanged_IsRefused() =>
        Gen.Select(Gen.Int[0, 300], Gen.Int[0, 3], Gen.OneOf("ABCXYZabcxyz0189-_.".ToCharArray())).Sample(change =>
        {
            var (at, how, letter) = change;
            var token = Valid;
            at %= token.Length;
            var changed = how switch
            {
                0 => token[..at],
                1 => token[..at] + letter + token[(at + 1)..],
                2 => token[..at] + letter + token[at..],
                _ => token[at..] + token[..at],
            };

            // The last letter of base64 has bits that say nothing.
            if (changed != token && at < token.Length - 1)
            {
                Assert.Equal(Refusal.Unauthorized, VerifyAsync(changed).GetAwaiter().GetResult().Refusal);
            }
        });

    [Fact]
    public void Verify_SignedRubbish_IsRefused() =>
        Gen.Select(Gen.String, Gen.String, Gen.Bool).Sample(parts =>
        {
            var token = parts.Item3 ? Sign("""{"alg":"HS256"}""", parts.Item2) : Sign(parts.Item1, parts.Item2);

            Assert.Equal(Refusal.Unauthorized, VerifyAsync(token).GetAwaiter().GetResult().Refusal);
        });

    private async Task<Credential> VerifyAsync(string token) => await new TokenVerifier(new ClientAuthOptions(), _time).VerifyAsync(token, Keys) ?? Credential.Unauthorized;

    private static string Sign(string header, string claims)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Secret, Encoding.ASCII.GetBytes(signed)))}";
    }
}
