using System.Text;
using Relay.Admission;
using Relay.Sessions;

namespace Server.Tests.Sessions;

public sealed class LastWordsTests
{
    private readonly LastWords _words = new(TimeSpan.FromSeconds(5), hasHint: true);

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 5)]
    [InlineData(5.1, 10)]
    [InlineData(20, 20)]
    [InlineData(3600, 5120)]
    [InlineData(1e7, 5120)]
    public void Of_AWait_SaysTheNextLongerOne(double wait, int seconds)
    {
        var frames = Text(Refusal.RatePerIp, wait);

        Assert.Contains($$"""{"type":"retry_after","seconds":{{seconds}}}""", frames, StringComparison.Ordinal);
        Assert.EndsWith("Too many new connections from this IP", frames, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_EveryReason_EndsWithItsText() => Assert.All(Rejections.All, row =>
    {
        Assert.EndsWith(row.Text, Text(row.Reason, 7), StringComparison.Ordinal);
        Assert.Equal(!row.IsFinal, Text(row.Reason, 7).Contains("retry_after", StringComparison.Ordinal));
    });

    [Fact]
    public void Of_WithoutAHint_IsTheCloseFrame() => Assert.All(
        Rejections.All, row => Assert.Equal(0x88, new LastWords(TimeSpan.FromSeconds(5), hasHint: false).Of(row.Reason, TimeSpan.FromSeconds(7)).Span[0]));

    private string Text(Refusal refusal, double wait) => Encoding.UTF8.GetString(_words.Of(refusal, TimeSpan.FromSeconds(wait)).Span);
}
