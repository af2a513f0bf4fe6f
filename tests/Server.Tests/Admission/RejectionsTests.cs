using System.Text;
using System.Text.RegularExpressions;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

public sealed partial class RejectionsTests
{
    [Fact]
    public void Table_EveryReason_HasOneRowAndALabelOfItsOwn()
    {
        Assert.Equal(Enum.GetValues<Refusal>().Skip(1).Order(), Rejections.All.Select(row => row.Reason).Order());
        Assert.Equal(Rejections.All.Count, Rejections.All.Select(row => row.Label).Distinct().Count());
        Assert.All(Rejections.All, row => Assert.InRange(Encoding.UTF8.GetByteCount(row.Text), 1, 123));
        Assert.Throws<ArgumentOutOfRangeException>(() => Rejections.Of(Refusal.None));
    }

    /// <summary>Who is told to stay away, and who is told that the server has no capacity.</summary>
    [Fact]
    public void Table_CodeStatusAndFault_AgreeWithEachOther() => Assert.All(Rejections.All, row =>
    {
        Assert.Equal(row.IsFinal, row.Status is 401 or 403);
        Assert.Equal(row.Status == 503, row.Fault == Fault.Server);
    });

    [Fact]
    public void Table_OperatorsGuide_SaysTheSame()
    {
        var guide = string.Join('\n', Directory.GetFiles(Path.Combine(ArchitectureTests.FindRoot(), "docs"), "*.md").Select(File.ReadAllText));

        Assert.Equal(
            Rejections.All.Select(row => row.StatusOnly
                ? $"`{row.Label}` | (none) | {row.Status} `{row.Text}` | {Name(row.Fault)}"
                : $"`{row.Label}` | {row.CloseCode} `{row.Text}` | {row.Status} | {Name(row.Fault)}"),
            TableRow().Matches(guide).Select(match => match.Groups[1].Value));

        static string Name(Fault fault) => fault == Fault.Client ? "client" : "server";
    }

    [Theory]
    [InlineData(OverloadLevel.Normal, false, false)]
    [InlineData(OverloadLevel.Elevated, false, true)]
    [InlineData(OverloadLevel.Critical, true, true)]
    internal void IsReset_OnALevel_IsForThoseWhoGainNothingFirst(OverloadLevel level, bool limit, bool banned)
    {
        Assert.Equal((limit, banned, false), (Rejections.IsReset(Refusal.PerIpLimit, level), Rejections.IsReset(Refusal.Banned, level), Rejections.IsReset(Refusal.None, level)));
        Assert.Equal(level == OverloadLevel.Normal ? RejectionMode.CloseFrame : RejectionMode.HttpStatus, Rejections.ModeOf(Refusal.PerIpLimit, level, RejectionMode.CloseFrame));
        Assert.Equal(RejectionMode.HttpStatus, Rejections.ModeOf(Refusal.Draining, level, RejectionMode.CloseFrame));
    }

    [GeneratedRegex(@"^\| (`[a-z0-9_]+` \| .* \| (?:client|server)) \|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
