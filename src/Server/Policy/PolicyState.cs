using System.Collections.Immutable;

namespace Relay.Policy;

/// <summary>
/// All that a restart must bring back, as one value: the configuration's items, over them what operators changed for good,
/// over that what is in force for a time. Immutable; a journal entry makes the next state from it, while the relay runs and
/// when the journal is replayed alike.
/// </summary>
internal sealed class PolicyState
{
    private readonly int _ipv6Prefix;
    private readonly ImmutableSortedDictionary<string, ItemSetting> _changed;

    // In the order in which they were made.
    private readonly ImmutableList<ItemSetting> _temporary;

    private PolicyState(
        PolicyItems configuration, PolicyItems items, int ipv6Prefix, long revision, ImmutableSortedDictionary<string, ItemSetting> changed, ImmutableList<ItemSetting> temporary)
    {
        (Configuration, Items, _ipv6Prefix, Revision, _changed, _temporary) = (configuration, items, ipv6Prefix, revision, changed, temporary);
    }

    public long Revision { get; }

    /// <summary>The configured policy, without changes.</summary>
    public PolicyItems Configuration { get; }

    /// <summary>The policy in effect.</summary>
    public PolicyItems Items { get; }

    /// <summary>The revision in which the shadow was last changed.</summary>
    public long ShadowSince { get; private init; }

    public IEnumerable<ItemSetting> Changed => _changed.Values;

    public IReadOnlyCollection<ItemSetting> Temporary => _temporary;

    public static PolicyState First(PolicyItems configuration, int ipv6Prefix) =>
        new(configuration, configuration, ipv6Prefix, 1, ImmutableSortedDictionary.Create<string, ItemSetting>(StringComparer.Ordinal), []);

    /// <param name="known">Gives the items that the journal's configuration does not have, being older than they are.</param>
    /// <param name="errors">Path and sentence of each item that is not valid.</param>
    public static PolicyState Of(long revision, JournalState state, PolicyItems known, int ipv6Prefix, out IReadOnlyList<(string Path, string Text)> errors)
    {
        var scalars = PolicyGrammar.Scalars.ToDictionary(path => path, path => state.Configuration.GetValueOrDefault(path) ?? known[path]);
        var configuration = PolicyItems.Empty.With(scalars.Concat(state.Configuration.Where(item => !scalars.ContainsKey(item.Key))), ipv6Prefix, out errors);
        var items = configuration;
        if (errors.Count == 0)
        {
            items = Overlaid(configuration, state.Changed.Concat(state.Temporary), ipv6Prefix, out errors);
        }

        var changed = state.Changed.DistinctBy(setting => setting.Path).ToImmutableSortedDictionary(setting => setting.Path, setting => setting, StringComparer.Ordinal);
        return new PolicyState(configuration, items, ipv6Prefix, revision, changed, [.. state.Temporary]) { ShadowSince = state.ShadowSince };
    }

    public JournalState ToJournal() => new(Configuration.All.ToDictionary(item => item.Key, item => (string?)item.Value), [.. Changed], [.. Temporary], ShadowSince);

    /// <summary>The same under another configuration: a revision of its own where that changes anything.</summary>
    public PolicyState With(PolicyItems configuration)
    {
        var items = Overlaid(configuration, Changed.Concat(Temporary), _ipv6Prefix, out _);
        var differences = PolicyItems.Diff(Items, items);
        var revision = differences.Count == 0 ? Revision : Revision + 1;
        return new PolicyState(configuration, items, _ipv6Prefix, revision, _changed, _temporary) { ShadowSince = HasShadow(differences) ? revision : ShadowSince };
    }

    /// <summary>Whether something holds for this path beside the configuration.</summary>
    public bool IsChanged(string path) => _changed.ContainsKey(path) || IsTemporary(path);

    public bool IsTemporary(string path) => _temporary.Any(setting => setting.Path == path);

    /// <summary>The last temporary setting of a path; null: none.</summary>
    public ItemSetting? TemporaryOf(string path) => _temporary.FindLast(setting => setting.Path == path);

    /// <summary>What the path of <paramref name="temporary"/> goes back to when it is reverted, as things stand.</summary>
    public string? Beneath(ItemSetting temporary) => Effective(temporary.Path, _changed, [.. _temporary.TakeWhile(setting => setting != temporary)]);

    /// <summary>What a path becomes when <paramref name="gone"/> are reverted.</summary>
    public string? Without(IReadOnlyCollection<ItemSetting> gone, string path) => Effective(path, _changed, _temporary.RemoveAll(gone.Contains));

    /// <summary>The state after an entry.</summary>
    /// <param name="errors">Path and sentence of each change that is not valid.</param>
    public PolicyState Apply(JournalEntry entry, out IReadOnlyList<(string Path, string Text)> errors)
    {
        var changed = _changed.ToBuilder();
        var temporary = _temporary;
        foreach (var change in entry.Changes)
        {
            var setting = new ItemSetting(change.Path, change.After, entry.Revision, entry.Who, entry.Time, change.Until, change.ConfirmBy);
            if (change.Reverts is { } reverted)
            {
                temporary = temporary.RemoveAll(other => other.Path == change.Path && other.Revision == reverted);
                continue;
            }

            var isForATime = change.Until is not null || change.ConfirmBy is not null;

            // A ban replaces the one before it: when it expires, an earlier, longer ban must not come back.
            if (!isForATime || change.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal))
            {
                temporary = temporary.RemoveAll(other => other.Path == change.Path);
                changed.Remove(change.Path);
            }

            if (isForATime)
            {
                temporary = temporary.Add(setting);
            }
            else if (!change.IsReset)
            {
                Keep(setting, changed);
            }
        }

        foreach (var revision in entry.Confirmed)
        {
            temporary = Confirm(revision, temporary, changed);
        }

        var after = changed.ToImmutable();
        var items = Items.With(
            entry.Changes.Select(change => change.Path).Distinct().Select(path => KeyValuePair.Create(path, Effective(path, after, temporary))), _ipv6Prefix, out errors);
        return new PolicyState(Configuration, items, _ipv6Prefix, entry.Revision, after, temporary) { ShadowSince = HasShadow(entry.Changes) ? entry.Revision : ShadowSince };
    }

    private static PolicyItems Overlaid(PolicyItems configuration, IEnumerable<ItemSetting> settings, int ipv6Prefix, out IReadOnlyList<(string Path, string Text)> errors) =>
        configuration.With(settings.Select(setting => KeyValuePair.Create(setting.Path, setting.Text)), ipv6Prefix, out errors);

    private static bool HasShadow(IEnumerable<PolicyDifference> changes) =>
        changes.Any(change => change.Before != change.After && change.Path.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal));

    private string? Effective(string path, ImmutableSortedDictionary<string, ItemSetting> changed, ImmutableList<ItemSetting> temporary) =>
        temporary.FindLast(setting => setting.Path == path) is { } last ? last.Text
        : changed.TryGetValue(path, out var setting) ? setting.Text
        : Configuration[path];

    // A rule that was removed and that the configuration does not have leaves nothing to reset.
    private void Keep(ItemSetting setting, ImmutableSortedDictionary<string, ItemSetting>.Builder changed)
    {
        if (setting.Text is null && Configuration[setting.Path] is null)
        {
            changed.Remove(setting.Path);
        }
        else
        {
            changed[setting.Path] = setting;
        }
    }

    // What needed nothing but this stays for good, and what it lay upon does not come back.
    private ImmutableList<ItemSetting> Confirm(
        long revision, ImmutableList<ItemSetting> temporary, ImmutableSortedDictionary<string, ItemSetting>.Builder changed)
    {
        foreach (var setting in temporary.Where(setting => setting.Revision == revision && setting.ConfirmBy is not null))
        {
            if (setting.Until is null)
            {
                var at = temporary.IndexOf(setting);
                Keep(setting with { ConfirmBy = null }, changed);
                temporary = [.. temporary.Where((other, i) => i > at || other.Path != setting.Path)];
            }
            else
            {
                temporary = temporary.Replace(setting, setting with { ConfirmBy = null });
            }
        }

        return temporary;
    }
}
