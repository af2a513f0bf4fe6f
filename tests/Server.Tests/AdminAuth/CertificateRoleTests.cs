using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Relay.AdminAuth;

namespace Server.Tests.AdminAuth;

public sealed class CertificateRoleTests
{
    private const string Fingerprint = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

    [Theory]
    [InlineData("CN=ops=operate", "ops", null, "Operate")]
    [InlineData(" cn=on call = read", "on call", null, "Read")]
    [InlineData("CN=a=b=admin", "a=b", null, "Admin")]
    [InlineData("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff=read", null, Fingerprint, "Read")]
    [InlineData("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF=admin", null, Fingerprint, "Admin")]
    public void TryParse_ARightEntry_IsRead(string text, string? name, string? fingerprint, string role)
    {
        Assert.True(CertificateRole.TryParse(text, out var entry));
        Assert.Equal((name, fingerprint, role), (entry.CommonName, entry.Fingerprint, entry.Role.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("CN=ops")]
    [InlineData("CN==operate")]
    [InlineData("CN=ops=Operate")]
    [InlineData("CN=ops=none")]
    [InlineData("O=ops=operate")]
    [InlineData("0011=read")]
    [InlineData("zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff=read")]
    public void TryParse_AWrongEntry_IsNot(string text) => Assert.False(CertificateRole.TryParse(text, out _));

    [Theory]
    [InlineData("CN=ops", true)]
    [InlineData("O=Relay, CN=ops", true)]
    [InlineData("CN=ops, OU=night", true)]
    [InlineData("CN=Ops", false)]
    [InlineData("CN=ops2", false)]
    [InlineData("O=ops", false)]
    // A second common name could be what the authority looked at.
    [InlineData("CN=ops, CN=nobody", false)]
    [InlineData("CN=\"x, CN=ops\"", false)]
    [InlineData("", false)]
    public void Fits_ByCommonName_IsTheWholeNameAndTheOnlyOne(string subject, bool fits)
    {
        using var certificate = Certificate(subject);
        Assert.Equal(fits, new CertificateRole("ops", null, AdminRole.Read).Fits(certificate));
    }

    [Fact]
    public void Fits_ByFingerprint_IsThisCertificateAlone()
    {
        using var one = Certificate("CN=ops");
        using var other = Certificate("CN=ops");
        Assert.True(CertificateRole.TryParse($"{CertificateRole.FingerprintOf(one)}=read", out var entry));
        Assert.True(entry.Fits(one));
        Assert.False(entry.Fits(other));
    }

    private static X509Certificate2 Certificate(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest(subject, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
    }
}
