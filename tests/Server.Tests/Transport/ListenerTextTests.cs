using System.ComponentModel.DataAnnotations;
using Relay.Configuration;
using Relay.Transport;

namespace Server.Tests.Listening;

public sealed class ListenerTextTests
{
    [Theory]
    [InlineData("0.0.0.0:9001", "0.0.0.0:9001 XForwardedFor")]
    [InlineData("[::]:9443 Tls", "[::]:9443 Tls XForwardedFor")]
    [InlineData("127.0.0.1:0 proxyprotocol", "127.0.0.1:0 ProxyProtocol")]
    [InlineData("  [fd00::1]:1   TLS   header:CF-Connecting-IP ", "[fd00::1]:1 Tls Header:CF-Connecting-IP")]
    [InlineData("10.0.0.1:65535 socket", "10.0.0.1:65535 Socket")]
    public void TryParse_AListener_IsWrittenBack(string text, string expected)
    {
        Assert.True(Listener.TryParse(text, out var listener, out var error));
        Assert.Null(error);
        Assert.Equal(expected, listener.ToString());
    }

    [Theory]
    [InlineData("", "does not begin with an address and a port")]
    [InlineData("9001", "does not begin")]
    [InlineData("0.0.0.0", "does not begin")]
    [InlineData("::", "does not begin")]
    [InlineData("::1:9001", "does not begin")]
    [InlineData("[0.0.0.0]:9001", "does not begin")]
    [InlineData("localhost:9001", "does not begin")]
    [InlineData("0.0.0.0:65536", "does not begin")]
    [InlineData("0.0.0.0:+1", "does not begin")]
    [InlineData("0.0.0.0:9001 Proxy", "'Proxy' is no way to find an address; there are XForwardedFor, Socket,")]
    [InlineData("0.0.0.0:9001 Header", "'Header' is no way")]
    [InlineData("0.0.0.0:9001 Header:", "'' is no header's name")]
    [InlineData("0.0.0.0:9001 Header:a:b", "'a:b' is no header's name")]
    [InlineData("0.0.0.0:9001 Header:x-forwarded-for", "write XForwardedFor")]
    [InlineData("0.0.0.0:9001 Header:Forwarded", "write Forwarded")]
    [InlineData("0.0.0.0:9001 1", "'1' is no way")]
    [InlineData("0.0.0.0:9001 Socket Tls", "too many words")]
    public void TryParse_AMistake_SaysWhatIsWrong(string text, string expected)
    {
        Assert.False(Listener.TryParse(text, out _, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0:9000", "More:0: '0.0.0.0:9000' is where another listener is")]
    [InlineData("127.0.0.1:9001|127.0.0.1:9001 Socket", "More:1: '127.0.0.1:9001 Socket' is where another listener is")]
    [InlineData("127.0.0.1:9443 Tls", "More:0: '127.0.0.1:9443 Tls' needs CertificateFile and KeyFile for Tls")]
    [InlineData("nonsense", "More:0: 'nonsense' does not begin with an address and a port; write it like 0.0.0.0:9001 or [::]:9001")]
    public void Validate_MoreListeners_NamesTheOne(string more, string expected)
    {
        var options = new PublicListenerOptions { More = more.Split('|') };

        Assert.Equal([expected], options.Validate(new ValidationContext(options)).Select(result => $"{result.MemberNames.Single()}: {result.ErrorMessage}"));
    }

    [Fact]
    public void Validate_PortsChosenByTheSystem_AreNotTheSame() =>
        Assert.Empty(new PublicListenerOptions { Port = 0, More = ["127.0.0.1:0", "127.0.0.1:0 Socket"] }.Validate(new ValidationContext(new object())));

    [Theory]
    [InlineData("ProxyProtocol", "", true)]
    [InlineData("Forwarded", "", true)]
    [InlineData("Socket", "0.0.0.0:1 Header:X-Real-IP", true)]
    [InlineData("XForwardedFor", "", false)]
    [InlineData("Socket", "0.0.0.0:1", false)]
    public void Contradictions_NobodyIsTrusted_WhereSomebodyWouldHaveToBe(string clientAddress, string more, bool isWrong)
    {
        var settings = new RelaySettings();
        settings.Listen.ClientAddress = clientAddress;
        settings.Listen.More = more.Length > 0 ? [more] : [];
        Assert.Equal(isWrong, settings.Contradictions().Any());

        settings.Admission.TrustedProxies = ["10.0.0.0/8"];
        Assert.Empty(settings.Contradictions());
    }
}
