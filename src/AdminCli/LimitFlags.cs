using System.CommandLine;
using System.CommandLine.Parsing;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>One option for each limit of the policy, named as its item is.</summary>
internal sealed class LimitFlags(bool withLevel)
{
    private static readonly Dictionary<string, UnresolvedClients> UnresolvedChoices =
        new() { ["total-only"] = UnresolvedClients.TotalOnly, ["refuse"] = UnresolvedClients.Refuse };

    private static readonly Dictionary<string, OverloadMode> LevelChoices = new()
    {
        ["auto"] = OverloadMode.Auto,
        ["normal"] = OverloadMode.Normal,
        ["elevated"] = OverloadMode.Elevated,
        ["critical"] = OverloadMode.Critical,
    };

    private readonly Option<int?> _total = Number("--total", "Total client connections, 1 to 1,000,000. Options you leave out do not change.");
    private readonly Option<int?> _perIp = Number("--per-ip", "Client connections of one address (IPv6: of one prefix), 1 to 1,000,000.");
    private readonly Option<int?> _unresolvedLimit = Number("--unresolved-limit", "Total client connections whose address a trusted proxy did not send, 1 to 1,000,000.");
    private readonly Option<TierLimit?> _per56 = Tier("--per-56", "Client connections of one IPv6 /56: a multiple of --per-ip such as 8x, a number, or off.");
    private readonly Option<TierLimit?> _per48 = Tier("--per-48", "Client connections of one IPv6 /48, likewise.");
    private readonly Option<TierLimit?> _per24 = Tier("--per-24", "Client connections of one IPv4 /24, likewise.");
    private readonly Option<ConnectRate?> _ratePerIp = Rate("--rate-per-ip", "New connections of one address, such as '20/s burst 200' or 30/m, or off.");
    private readonly Option<ConnectRate?> _rateTotal = Rate("--rate-total", "New connections of all addresses together, likewise.");
    private readonly Option<UnresolvedClients> _unresolved = Choice(
        "--unresolved", UnresolvedChoices, "Clients whose address a trusted proxy did not send. total-only: they count in the total and against --unresolved-limit; refuse.");

    private readonly Option<OverloadMode> _overloadLevel = Choice(
        "--overload-level", LevelChoices, "How refused clients are rejected. auto: by the load; normal: a close frame; elevated: an HTTP status; critical: a reset before TLS and HTTP.");

    private IEnumerable<Option> All =>
        [_total, _perIp, _per56, _per48, _per24, _ratePerIp, _rateTotal, _unresolved, .. withLevel ? new[] { _overloadLevel } : [], _unresolvedLimit];

    public void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Add(option);
        }
    }

    public bool AnyGiven(CommandResult result) => All.Any(option => result.GetResult(option) is not null);

    /// <summary>The limits that were given.</summary>
    public LimitSettings Read(ParseResult options)
    {
        var settings = new LimitSettings
        {
            Per56 = options.GetValue(_per56),
            Per48 = options.GetValue(_per48),
            Per24 = options.GetValue(_per24),
            RatePerIp = options.GetValue(_ratePerIp),
            RateTotal = options.GetValue(_rateTotal),
            Unresolved = options.GetValue(_unresolved),
            OverloadLevel = options.GetValue(_overloadLevel),
        };
        if (options.GetValue(_total) is { } total)
        {
            settings.Total = total;
        }

        if (options.GetValue(_perIp) is { } perIp)
        {
            settings.PerIp = perIp;
        }

        if (options.GetValue(_unresolvedLimit) is { } limit)
        {
            settings.UnresolvedLimit = limit;
        }

        return settings;
    }

    private static Option<int?> Number(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "clients",
        CustomParser = ArgumentParsers.Whole<int>(name, 1, LimitText.Max, static value => value switch
        {
            <= 0 => "to admit no clients, stop relayd instead",
            > LimitText.Max => "to lift the limit in effect, use 1000000",
            _ => "write it in plain digits, such as 50",
        }),
    };

    private static Option<TierLimit?> Tier(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "Nx|N|off",
        CustomParser = argument => LimitText.ReadTier(argument.Tokens[0].Value)
            ?? Wrong<TierLimit>(argument, name, "off, a multiple of the limit per address such as 8x, or a number from 1 to 1,000,000"),
        CompletionSources = { "off", "8x", "64x" },
    };

    private static Option<ConnectRate?> Rate(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "rate|off",
        CustomParser = argument => LimitText.ReadRate(argument.Tokens[0].Value) ?? Wrong<ConnectRate>(argument, name, "off, or a rate such as '20/s burst 200' or 30/m"),
        CompletionSources = { "off" },
    };

    private static Option<T> Choice<T>(string name, IReadOnlyDictionary<string, T> choices, string description)
    {
        var option = ArgumentParsers.Choice(name, choices);
        option.Description = description;
        return option;
    }

    private static T? Wrong<T>(ArgumentResult argument, string option, string allowed)
        where T : class
    {
        argument.AddError($"{option} must be {allowed}, not '{Printable.Clean(argument.Tokens[0].Value)}'.");
        return null;
    }
}
