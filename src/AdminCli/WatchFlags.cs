using System.CommandLine;
using System.CommandLine.Parsing;

namespace Relay.AdminCli;

/// <summary>The options of a command that can show its answer again and again.</summary>
internal sealed class WatchFlags(string intoAPipe)
{
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);
    public static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);

    private static readonly TimeSpan MinClusterInterval = TimeSpan.FromSeconds(1);

    private readonly Option<bool> _watch = new("--watch", "-w")
    {
        Description = $"Keep showing: redrawn in place on a terminal, {intoAPipe}. Reconnects when the relay is lost. Ctrl-C ends it with exit code 0.",
    };

    private readonly Option<TimeSpan?> _interval = IntervalOption(" with --watch");
    private readonly Option<bool> _exitOnLoss = ExitOnLossOption();

    public static Option<TimeSpan?> IntervalOption(string when = "") => new("--interval")
    {
        Description = $"Time between two snapshots{when}, 100ms to 1h (default 1s). A slow reader gets fewer snapshots, never old ones.",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration("--interval", MinInterval, MaxInterval),
    };

    public static Option<bool> ExitOnLossOption() => new("--exit-on-loss")
    {
        Description = "Exit when the relay stops (exit code 1) or the connection is lost (3), instead of reconnecting.",
    };

    /// <summary>For a command that runs until Ctrl-C only with another option.</summary>
    public static Option<bool> AddExitOnLoss(Command command, Option<bool> with)
    {
        var option = ExitOnLossOption();
        command.Add(option);
        command.Validators.Add(result => Require(result, option, with));
        return option;
    }

    /// <summary>A validator: every interval each node is asked.</summary>
    public static void CheckInterval(CommandResult result, Option<TimeSpan?> interval, Option<bool>? cluster)
    {
        if (cluster is not null && result.GetValue(cluster) && result.GetValue(interval) < MinClusterInterval)
        {
            result.AddError("--interval is at least 1s with --cluster.");
        }
    }

    public void AddTo(Command command)
    {
        command.Add(_watch);
        command.Add(_interval);
        command.Add(_exitOnLoss);
        var cluster = command.Options.OfType<Option<bool>>().FirstOrDefault(option => option.Name == ClusterText.OptionName);
        command.Validators.Add(result =>
        {
            Require(result, _interval, _watch);
            Require(result, _exitOnLoss, _watch);
            CheckInterval(result, _interval, cluster);
        });
    }

    public bool IsOn(ParseResult options) => options.GetValue(_watch);

    public TimeSpan IntervalOf(ParseResult options) => options.GetValue(_interval) ?? DefaultInterval;

    public bool ExitsOnLoss(ParseResult options) => options.GetValue(_exitOnLoss);

    private static void Require(CommandResult result, Option option, Option<bool> with)
    {
        if (result.GetResult(option) is { Implicit: false } && !result.GetValue(with))
        {
            result.AddError($"{option.Name} requires {with.Name}.");
        }
    }
}
