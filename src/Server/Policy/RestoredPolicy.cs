namespace Relay.Policy;

/// <summary>What a policy file says of the moment it was written, and what follows from it at a start.</summary>
internal sealed class RestoredPolicy
{
    private readonly int _ipv6Prefix;
    private readonly PolicyFile _file;

    /// <param name="settings">What holds where the file has no items.</param>
    public RestoredPolicy(PolicyDocument document, PolicyItems settings, int ipv6Prefix, PolicyFile file)
    {
        (_ipv6Prefix, _file, Revision) = (ipv6Prefix, file, document.Revision);
        Saved = document.Items is { } items ? Read(items, settings) : settings;
        var running = document.Running is { } other ? Read(other, settings) : Saved;
        foreach (var change in document.Pending.SelectMany(pending => pending.Changes))
        {
            _ = With(running, [KeyValuePair.Create(change.Path, change.After)]);
        }

        Pending = StillPending(document, running);
        Current = With(Saved, Pending.SelectMany(pending => pending.Differences)
            .Select(difference => difference.Path).Distinct().ToDictionary(path => path, path => running[path]));
        History = Rewind(document, running);
    }

    /// <summary>The one in force when the file was written.</summary>
    public long Revision { get; }

    /// <summary>What holds at each start.</summary>
    public PolicyItems Saved { get; }

    /// <summary>The same, with what is in force for a time.</summary>
    public PolicyItems Current { get; }

    public IReadOnlyList<PendingRevert> Pending { get; }

    /// <summary>Oldest first; empty for a file without one.</summary>
    public IReadOnlyList<PolicyRevision> History { get; }

    // A limit that the file does not know, being older than it, is the settings'; rules are the file's alone.
    private PolicyItems Read(Dictionary<string, string> items, PolicyItems settings) => With(
        With(PolicyItems.Empty, PolicyGrammar.Scalars.ToDictionary(path => path, path => settings[path])),
        items.Select(item => KeyValuePair.Create(item.Key, (string?)item.Value)));

    private PolicyItems With(PolicyItems items, IEnumerable<KeyValuePair<string, string?>> edits)
    {
        var after = items.With(edits, _ipv6Prefix, out var errors);
        return errors.Count == 0 ? after : throw _file.BadItem(errors[0].Path, errors[0].Text + ".");
    }

    // An item that was changed for good since is not for a time any more. Where what was before was never saved, it is gone
    // with the restart: then the item is taken back to what was.
    private List<PendingRevert> StillPending(PolicyDocument document, PolicyItems running)
    {
        var entries = document.Pending.OrderBy(entry => entry.Revision).ToList();
        var chains = entries.SelectMany(entry => entry.Changes).ToLookup(change => change.Path);
        var left = new List<PendingRevert>();
        foreach (var entry in entries)
        {
            var changes = entry.Changes
                .Where(change => chains[change.Path].Last().After == running[change.Path])
                .Select(change => change == chains[change.Path].First() && !IsOf(chains[change.Path], Saved[change.Path])
                    ? change with { Before = Saved[change.Path] }
                    : change)
                .ToList();
            if (changes.Count > 0)
            {
                left.Add(new PendingRevert(entry.Revision, entry.Due, entry.NeedsConfirmation, changes));
            }
        }

        return left;
    }

    private static bool IsOf(IEnumerable<PolicyDifference> chain, string? text) => chain.Any(change => change.Before == text || change.After == text);

    // Each entry tells what it changed: walked from the newest back, that gives the items of each.
    private List<PolicyRevision> Rewind(PolicyDocument document, PolicyItems running)
    {
        var history = new List<PolicyRevision>();
        var items = running;
        foreach (var entry in document.History.TakeLast(LimitPolicyStore.MaxHistory).Reverse())
        {
            history.Add(new PolicyRevision(entry.Revision, entry.Time, entry.Who, entry.Reason, items, entry.Changes));
            items = items.With(entry.Changes.Select(change => KeyValuePair.Create(change.Path, change.Before)), _ipv6Prefix, out _);
        }

        history.Reverse();
        return history;
    }
}
