using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>The options of every command that changes the policy: condition, duration, and treatment of excess connections.</summary>
internal sealed class ChangeFlags
{
    private const string Times = "30s, 30m or 2h";

    private static readonly TimeSpan Min = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxTtl = TimeSpan.FromDays(30);
    private static readonly TimeSpan MaxConfirm = TimeSpan.FromHours(1);

    private static readonly Dictionary<string, Excess> Choices = new()
    {
        ["keep"] = AdminApi.Excess.Keep,
        ["evict-idle"] = AdminApi.Excess.EvictIdle,
        ["evict-newest"] = AdminApi.Excess.EvictNewest,
    };

    public ChangeFlags()
    {
        Excess = ArgumentParsers.Choice("--excess", Choices);
        Excess.Description = "Treatment of excess connections. keep: they stay, new connections are refused (the default); "
            + "evict-idle, evict-newest: those idle the longest, or connected last, are closed, a bounded number a second.";
    }

    public Option<string?> Reason { get; } = ReasonOption();

    public Option<long?> ExpectRevision { get; } = new("--expect-revision")
    {
        Description = "Change only if this is the current revision, as `relayctl limits` shows it; otherwise nothing changes and the exit code is 1.",
        HelpName = "revision",
        CustomParser = ArgumentParsers.Whole<long>("--expect-revision", 1, long.MaxValue),
    };

    public Option<bool> DryRun { get; } = new("--dry-run") { Description = "Say what would happen, and change nothing." };

    public Option<TimeSpan?> For { get; } = new("--for")
    {
        Description = "Revert the change after this time, 1s to 30d, also if the relay is restarted meanwhile.",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration("--for", Min, MaxTtl, Times),
    };

    public Option<TimeSpan?> ConfirmWithin { get; } = new("--confirm-within")
    {
        Description = "Revert the change unless `relayctl confirm` follows within this time, 1s to 1h.",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration("--confirm-within", Min, MaxConfirm, Times),
    };

    public Option<Excess> Excess { get; }

    public static Option<string?> ReasonOption() => new("--reason")
    {
        Description = "Reason; recorded with your name in the history, log and audit. At most 256 characters.",
        HelpName = "text",
    };

    public void AddTo(Command command)
    {
        command.Add(Reason);
        command.Add(ExpectRevision);
        command.Add(DryRun);
        command.Add(For);
        command.Add(ConfirmWithin);
        command.Add(Excess);
    }

    public ChangeOptions Read(ParseResult options)
    {
        var read = new ChangeOptions
        {
            Reason = options.GetValue(Reason) ?? "",
            DryRun = options.GetValue(DryRun),
            Excess = options.GetValue(Excess),
            Ttl = options.GetValue(For) is { } ttl ? Duration.FromTimeSpan(ttl) : null,
            ConfirmWithin = options.GetValue(ConfirmWithin) is { } confirm ? Duration.FromTimeSpan(confirm) : null,
        };
        if (options.GetValue(ExpectRevision) is { } expected)
        {
            read.ExpectedRevision = expected;
        }

        return read;
    }
}
