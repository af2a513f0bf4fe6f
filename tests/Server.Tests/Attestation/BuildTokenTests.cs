using System.Text;
using Relay.Attestation;

namespace Server.Tests.Attestation;

public sealed class BuildTokenTests
{
    [Theory]
    [InlineData("""{"version":"1.2.3","platform":"linux","signature":"AA=="}""", "1.2.3")]
    [InlineData("""{"payload":"{\"version\":\"2.0.0\"}","signature":"AA=="}""", "2.0.0")]
    [InlineData("""{"version":"1.0.0","payload":"{\"version\":\"2.0.0\"}"}""", "1.0.0")]
    [InlineData("""{"version":1}""", null)]
    [InlineData("""{"version":""}""", null)]
    [InlineData("""{"payload":{"version":"2.0.0"}}""", null)]
    [InlineData("""{"payload":"{\"payload\":\"{\\\"version\\\":\\\"3\\\"}\"}"}""", null)]
    [InlineData("""{"payload":"no JSON"}""", null)]
    [InlineData("""["version"]""", null)]
    [InlineData("no JSON", null)]
    [InlineData("", null)]
    public void Version_OfJsonInBase64_IsWhatItNames(string json, string? version) =>
        Assert.Equal(version, BuildToken.Version(Convert.ToBase64String(Encoding.UTF8.GetBytes(json))));

    [Theory]
    [InlineData("{\"version\":\"1.2.3\"}")]
    [InlineData("no base64")]
    [InlineData("////")]
    public void Version_OfAnythingElse_IsNone(string token) => Assert.Null(BuildToken.Version(token));

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    [InlineData(5000, false)]
    public void Version_TooLong_IsNone(int length, bool taken)
    {
        var version = new string('1', length);
        var token = Convert.ToBase64String(Encoding.UTF8.GetBytes($$"""{"version":"{{version}}"}"""));

        Assert.Equal(taken ? version : null, BuildToken.Version(token));
    }
}
