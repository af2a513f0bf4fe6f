using System.Text;
using Relay.ClientAuth;

namespace Server.Tests.ClientAuth;

public sealed class KeySetReaderTests
{
    private const string Secret = """{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"s"}""";

    [Theory]
    [InlineData("", "neither a JSON Web Key Set nor")]
    [InlineData("my secret", "neither a JSON Web Key Set nor")]
    [InlineData("{", "not well-formed")]
    [InlineData("{}", "is of no use")]
    [InlineData("{\"keys\":7}", "not well-formed")]
    [InlineData("{\"keys\":[]}", "no key")]
    [InlineData("{\"keys\":[7]}", "not well-formed")]
    [InlineData("{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}", "a secret of 5 bytes")]
    [InlineData("{\"kty\":\"oct\",\"k\":\"***\"}", "not well-formed")]
    [InlineData("{\"kty\":\"oct\"}", "not well-formed")]
    [InlineData("{\"kty\":\"EC\",\"crv\":\"P-521\"}", "type 'EC' 'P-521' is of no use")]
    [InlineData("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}", "not well-formed")]
    [InlineData("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "an Ed25519 key of 1 bytes")]
    [InlineData("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "only public keys")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not well-formed")]
    [InlineData("-----BEGIN PUBLIC KEY-----", "no key")]
    public void Read_WrongText_SaysWhatAndQuotesNothing(string text, string expected)
    {
        var error = Assert.Throws<InvalidDataException>(() => KeySetReader.Read(Encoding.UTF8.GetBytes(text), isPublished: false));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2hvcnQ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TooManyOrTooMuch_IsRefused()
    {
        var many = $"{{\"keys\":[{string.Join(',', Enumerable.Repeat(Secret, KeySet.MaxKeys + 1))}]}}";

        Assert.Contains("33 keys", Assert.Throws<InvalidDataException>(() => KeySetReader.Read(Encoding.UTF8.GetBytes(many), isPublished: false)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => KeySetReader.Read(new byte[KeySetReader.MaxBytes + 1], isPublished: false));
    }

    [Fact]
    public void Read_PublishedSecretOrUnknownKey_IsSkipped()
    {
        const string Ed25519 = """{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""";
        var text = $$"""{"keys":[{{Secret}},{"kty":"new","crv":"x"},{"kty":"RSA","use":"enc"},{{Ed25519}}]}""";

        var keys = KeySetReader.Read(Encoding.UTF8.GetBytes(text), isPublished: true);

        Assert.Equal(["EdDSA"], keys.Algorithms);
        Assert.Throws<InvalidDataException>(() => KeySetReader.Read(Encoding.UTF8.GetBytes(Secret), isPublished: true));
        Assert.Equal(["HS256"], KeySetReader.Read(Encoding.UTF8.GetBytes(Secret), isPublished: false).Algorithms);
    }

    [Fact]
    public void For_NameOfAKey_ChoosesItAndThoseWithoutAName()
    {
        var keys = KeySetReader.Read(Encoding.UTF8.GetBytes($"{{\"keys\":[{Secret},{Secret.Replace("\"s\"", "\"t\"", StringComparison.Ordinal)}]}}"), isPublished: false);

        Assert.Equal((1, 0, 2, 0), (keys.For("HS256", "t").Count, keys.For("HS256", "u").Count, keys.For("HS256", null).Count, keys.For("RS256", "s").Count));
    }
}
