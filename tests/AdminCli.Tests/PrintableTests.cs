using CsCheck;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class PrintableTests
{
    [Theory]
    [InlineData("relay.example:9000", "relay.example:9000")]
    [InlineData("\e[2J\e[31mred", "[2J[31mred")]
    [InlineData("\u009b2Jcsi", "2Jcsi")]
    [InlineData("a\r\nb\tc\0d\u007fe", "abcde")]
    [InlineData("line\u2028and\u2029paragraph", "lineandparagraph")]
    [InlineData("evil\u202etxt.exe", "eviltxt.exe")]
    [InlineData("zero\u200bwidth\ufeff", "zerowidth")]
    [InlineData("[red]markup[/]", "[red]markup[/]")]
    [InlineData("Zürich 東京 🚀", "Zürich 東京 🚀")]
    [InlineData("", "")]
    public void Clean_HostileText_KeepsOnlyWhatIsShown(string text, string expected) => Assert.Equal(expected, Printable.Clean(text));

    [Fact]
    public void Clean_AnyText_HasNoControlCharacter() =>
        Gen.String.Sample(text => Assert.DoesNotContain(Printable.Clean(text), char.IsControl));

    [Theory]
    [InlineData("")]
    [InlineData("\e\n")]
    public void CleanOrUnknown_NothingLeft_IsASign(string text) => Assert.Equal("-", Printable.CleanOrUnknown(text));
}
