using System.Collections.Immutable;
using Relay.Addresses;

namespace Relay.Policy;

/// <summary>One item of the policy in two revisions; null where it is not there.</summary>
internal sealed record PolicyDifference(string Path, string? Before, string? After)
{
    /// <summary>When it is reverted; null: it stays.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>When it is reverted unless it was confirmed; null: it needs no confirmation.</summary>
    public DateTimeOffset? ConfirmBy { get; init; }

    /// <summary>The item went back to what the configuration says.</summary>
    public bool IsReset { get; init; }

    /// <summary>The revision whose setting of this item was reverted.</summary>
    public long? Reverts { get; init; }
}

/// <summary>
/// The limit policy as an operator writes, saves and compares it: items with a path and a text, such as
/// <c>per-ip = 50</c>, <c>override/203.0.113.0/24 = 200</c>, <c>ban/198.51.100.7 = forever scanning</c>. Immutable. Every
/// item is valid and in its one spelling, so that equal policies have equal texts.
/// </summary>
internal sealed class PolicyItems
{
    public const string Total = "total";
    public const string PerIp = "per-ip";
    public const string Per56 = "per-56";
    public const string Per48 = "per-48";
    public const string Per24 = "per-24";
    public const string RatePerIp = "rate-per-ip";
    public const string RateTotal = "rate-total";
    public const string Unresolved = "unresolved";
    public const string UnresolvedLimit = "unresolved-limit";
    public const string OverloadLevel = "overload-level";
    public const string Override = "override/";
    public const string Ban = "ban/";

    /// <summary>Bans of people; no network begins so.</summary>
    public const string SubjectBan = Ban + "subject:";

    /// <summary>Items of the second set, which is counted and never enforced: the same paths behind this.</summary>
    public const string Shadow = "shadow/";

    /// <summary>Overrides and bans that one policy may have, both sets together.</summary>
    public const int MaxRules = 10_000;

    private readonly ImmutableSortedDictionary<string, string> _texts;

    private PolicyItems(ImmutableSortedDictionary<string, string> texts) => _texts = texts;

    public static PolicyItems Empty { get; } = new(ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));

    /// <summary>Paths and texts, in the order of their paths.</summary>
    public IEnumerable<KeyValuePair<string, string>> All => _texts;

    public string? this[string path] => _texts.GetValueOrDefault(path);

    /// <summary>The limits of the settings.</summary>
    public static PolicyItems FromOptions(AdmissionOptions options, out IReadOnlyList<(string Path, string Text)> errors)
    {
        var edits = new Dictionary<string, string?>
        {
            [Total] = FormattableString.Invariant($"{options.Total}"),
            [PerIp] = FormattableString.Invariant($"{options.PerIp}"),
            [Per56] = options.Per56,
            [Per48] = options.Per48,
            [Per24] = options.Per24,
            [RatePerIp] = options.ConnectRatePerIp,
            [RateTotal] = options.ConnectRateTotal,
            [Unresolved] = options.Unresolved == UnresolvedPolicy.Refuse ? "refuse" : "total-only",
            [UnresolvedLimit] = FormattableString.Invariant($"{options.UnresolvedLimit}"),
            [OverloadLevel] = options.OverloadLevel,
        };
        foreach (var text in options.Overrides)
        {
            var equals = text.IndexOf('=');
            edits[Override + (equals < 0 ? text : text[..equals].Trim())] = equals < 0 ? "" : text[(equals + 1)..].Trim();
        }

        var items = Empty.With(edits, options.Ipv6Prefix, out errors);
        errors = errors.Count == 0 && items.TooManyRules(Empty) is { } error ? [error] : errors;
        return items;
    }

    /// <summary>More overrides and bans than a policy may have, and more than <paramref name="before"/> has; null: not so.</summary>
    public (string Path, string Text)? TooManyRules(PolicyItems before) =>
        _texts.Count - PolicyGrammar.Scalars.Length is var rules && rules > MaxRules && _texts.Count > before._texts.Count
            ? (Override, $"{rules:#,0} overrides and bans; at most {MaxRules:#,0}")
            : null;

    /// <summary>
    /// These items with some set and some (null) removed. <paramref name="errors"/> are path and sentence of each edit
    /// that is not valid; when there is one nothing is changed.
    /// </summary>
    public PolicyItems With(IEnumerable<KeyValuePair<string, string?>> edits, int ipv6Prefix, out IReadOnlyList<(string Path, string Text)> errors)
    {
        var found = new List<(string, string)>();
        var texts = _texts.ToBuilder();
        foreach (var (path, text) in edits)
        {
            if (PolicyGrammar.Normalize(path, text, ipv6Prefix, out var normalPath, out var normalText) is { } error)
            {
                found.Add((path, error));
            }
            else if (normalText is null)
            {
                texts.Remove(normalPath);
            }
            else
            {
                texts[normalPath] = normalText;
            }
        }

        errors = found;
        return found.Count > 0 ? this : new PolicyItems(texts.ToImmutable());
    }

    /// <summary>What was set, changed and removed from <paramref name="before"/> to <paramref name="after"/>.</summary>
    public static IReadOnlyList<PolicyDifference> Diff(PolicyItems before, PolicyItems after) =>
        [.. from path in before._texts.Keys.Union(after._texts.Keys).Order(StringComparer.Ordinal)
            let difference = new PolicyDifference(path, before[path], after[path])
            where difference.Before != difference.After
            select difference];

    /// <summary>The limits with the shadow's items in place of their own; null without a shadow.</summary>
    public PolicyItems? Shadowed()
    {
        var shadow = _texts.Where(item => item.Key.StartsWith(Shadow, StringComparison.Ordinal)).ToList();
        return shadow.Count == 0
            ? null
            : new PolicyItems(_texts
                .RemoveRange(shadow.Select(item => item.Key))
                .SetItems(shadow.Select(item => KeyValuePair.Create(item.Key[Shadow.Length..], item.Value))));
    }

    /// <summary>Bans of people by their name.</summary>
    public IEnumerable<KeyValuePair<string, string>> SubjectBans() =>
        from item in _texts
        where item.Key.StartsWith(SubjectBan, StringComparison.Ordinal)
        select KeyValuePair.Create(item.Key[SubjectBan.Length..], item.Value);

    /// <summary>Overrides or bans by their network.</summary>
    public IEnumerable<KeyValuePair<IpPrefix, string>> Rules(string kind)
    {
        foreach (var (path, text) in _texts)
        {
            if (path.StartsWith(kind, StringComparison.Ordinal) && IpPrefix.TryParse(path[kind.Length..], out var prefix, out _))
            {
                yield return KeyValuePair.Create(prefix, text);
            }
        }
    }
}
