using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Relay.AdminCli;

/// <summary>One option for each limit of the policy, named as its item is.</summary>
internal sealed partial class LimitFlags(bool withLevel)
{
    private const int Max = 1_000_000;

    private static readonly string[] OverloadLevels = ["auto", "normal", "elevated", "critical"];

    private readonly Option<int?>[] _numbers =
    [
        Number("--total", "clients", "Client sockets in all, 1 to 1,000,000. Not given: stays, like all that follow."),
        Number("--per-ip", "clients", "Client sockets of one address (IPv6: of one prefix), 1 to 1,000,000."),
        Number("--unresolved-limit", "clients", "Client sockets in all whose address a trusted proxy did not tell, 1 to 1,000,000."),
    ];

    private readonly Option<string?>[] _texts =
    [
        Tier("--per-56", "Client sockets of one IPv6 /56: a multiple of --per-ip such as 8x, a number, or off."),
        Tier("--per-48", "Client sockets of one IPv6 /48, likewise."),
        Tier("--per-24", "Client sockets of one IPv4 /24, likewise."),
        Rate("--rate-per-ip", "New sockets of one address, such as '20/s burst 200' or 30/m, or off."),
        Rate("--rate-total", "New sockets of all addresses together, likewise."),
        UnresolvedOption(),
        .. withLevel ? new[] { OverloadLevelOption() } : [],
    ];

    private IEnumerable<Option> All => [_numbers[0], _numbers[1], .. _texts, _numbers[2]];

    public void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Add(option);
        }
    }

    public bool AnyGiven(CommandResult result) => All.Any(option => result.GetResult(option) is not null);

    /// <summary>Item to text, of the options that were given.</summary>
    public IEnumerable<KeyValuePair<string, string>> Read(ParseResult options)
    {
        foreach (var number in _numbers)
        {
            if (options.GetValue(number) is { } value)
            {
                yield return KeyValuePair.Create(number.Name[2..], value.ToString(CultureInfo.InvariantCulture));
            }
        }

        foreach (var text in _texts)
        {
            if (options.GetValue(text) is { } value)
            {
                yield return KeyValuePair.Create(text.Name[2..], value);
            }
        }
    }

    private static Option<int?> Number(string name, string unit, string description) => new(name)
    {
        Description = description,
        HelpName = unit,
        CustomParser = ArgumentParsers.Whole<int>(name, 1, Max, static value => value switch
        {
            <= 0 => "to let nobody in, stop relayd instead",
            > Max => "to lift the limit in effect, use 1000000",
            _ => "write it in plain digits, such as 50",
        }),
    };

    private static Option<string?> Tier(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "Nx|N|off",
        CustomParser = ArgumentParsers.Text(
            name, static text => TierPattern().IsMatch(text), "off, a multiple of the limit per address such as 8x, or a number from 1 to 1,000,000"),
        CompletionSources = { "off", "8x", "64x" },
    };

    private static Option<string?> Rate(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "rate|off",
        CustomParser = ArgumentParsers.Text(name, static text => RatePattern().IsMatch(text), "off, or a rate such as '20/s burst 200' or 30/m"),
        CompletionSources = { "off" },
    };

    private static Option<string?> UnresolvedOption()
    {
        var option = ArgumentParsers.Choice<string?>("--unresolved", new Dictionary<string, string?> { ["total-only"] = "total-only", ["refuse"] = "refuse" });
        option.Description = "Sockets whose address a trusted proxy did not tell. total-only: they count in the total and against --unresolved-limit; refuse.";
        return option;
    }

    private static Option<string?> OverloadLevelOption()
    {
        var option = ArgumentParsers.Choice<string?>("--overload-level", OverloadLevels.ToDictionary(level => level, string? (level) => level));
        option.Description = "How refused clients are told. auto: by how many there are; calm: a close frame; busy: a status; flooded: cut before TLS and HTTP.";
        return option;
    }

    [GeneratedRegex("^(off|[1-9][0-9]{0,5}x?|1000000x?)$")]
    private static partial Regex TierPattern();

    [GeneratedRegex("^(off|[1-9][0-9]{0,6}/[sm]( burst [1-9][0-9]{0,6})?)$")]
    private static partial Regex RatePattern();
}
