namespace Relay.Policy;

/// <summary>
/// What the disk knows of the policy: what was saved for good, what is in force for a time, and which revisions were given
/// out. Without a file it knows nothing and every write succeeds. Guarded by the store's lock.
/// </summary>
internal sealed partial class PolicyOnDisk
{
    private readonly PolicyFile? _file;
    private readonly RevisionReserve? _reserve;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // The file speaks of changes that wait to be taken back.
    private bool _tellsPending;

    /// <param name="settings">What holds until something is saved.</param>
    public PolicyOnDisk(PolicyFile? file, PolicyItems settings, TimeProvider time, ILogger logger)
    {
        (_file, Saved, _time, _logger) = (file, settings, time, logger);
        _reserve = file is null ? null : new RevisionReserve(file.Path + ".revision");
        Spent = _reserve?.Load() ?? 0;
    }

    public string? Path => _file?.Path;

    /// <summary>The last revision that may have been given out before this start; 0: none.</summary>
    public long Spent { get; }

    /// <summary>What a restart would start from.</summary>
    public PolicyItems Saved { get; private set; }

    /// <summary>False: nobody saved a policy, the settings hold at the next start.</summary>
    public bool IsSaved { get; private set; }

    /// <summary>Null when there is nothing. Throws <see cref="InvalidDataException"/> for a file that cannot be understood.</summary>
    public RestoredPolicy? Load(int ipv6Prefix)
    {
        if (_file?.Load() is not { } document)
        {
            return null;
        }

        var restored = new RestoredPolicy(document, Saved, ipv6Prefix, _file);
        (Saved, IsSaved, _tellsPending) = (restored.Saved, document.Items is not null, document.Pending.Count > 0);
        return restored;
    }

    /// <summary>Called before a revision is given out.</summary>
    public void Cover(long revision)
    {
        try
        {
            _reserve?.Cover(revision);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotReserved(_logger, exception.Message);
        }
    }

    /// <summary>Saves the running policy for good. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public void Save(PolicyMoment moment, string who)
    {
        Write(moment.Current.Items, moment, who);
        (Saved, IsSaved) = (moment.Current.Items, true);
    }

    /// <summary>
    /// Writes down what is in force for a time: that outlives a restart although nobody saved it, for it was promised until a
    /// certain moment. False with a sentence for the operator: it could not be written.
    /// </summary>
    public bool TryKeep(PolicyMoment moment, string who, out string? warning)
    {
        warning = null;
        if (_file is null)
        {
            return true;
        }

        try
        {
            Write(IsSaved ? Saved : null, moment, who);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            warning = $"the change holds, but a restart would not know how long it was to hold: {_file.Path} cannot be written: {exception.Message}";
            return false;
        }
    }

    /// <summary>Something waits no longer: the file must not say that it does.</summary>
    public void Refresh(PolicyMoment moment, string who)
    {
        if (_tellsPending && !TryKeep(moment, who, out var warning))
        {
            Log.NotWritten(_logger, warning!);
        }
    }

    private void Write(PolicyItems? items, PolicyMoment moment, string who)
    {
        _file!.Save(new PolicyDocument(PolicyDocument.CurrentFormat, moment.Current.Revision, _time.GetUtcNow(), who)
        {
            Items = items?.All.ToDictionary(),
            Running = PolicyItems.Diff(items ?? PolicyItems.Empty, moment.Current.Items).Count == 0 ? null : moment.Current.Items.All.ToDictionary(),
            Pending =
            [
                .. from pending in moment.Pending
                    select new PolicyDocument.PendingEntry(pending.Revision, pending.Due, pending.NeedsConfirmation, [.. pending.Differences]),
            ],
            History = [.. moment.History.Select(entry => new PolicyDocument.HistoryEntry(entry.Revision, entry.Time, entry.Who, entry.Reason, [.. entry.Differences]))],
        });
        _tellsPending = moment.Pending.Count > 0;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Warning}")]
        public static partial void NotWritten(ILogger logger, string warning);

        [LoggerMessage(2, LogLevel.Warning, "After a restart the numbers of the latest revisions may be used again: {Why}")]
        public static partial void NotReserved(ILogger logger, string why);
    }
}

/// <summary>The policy in force with what waits and what was before, oldest first. Of use only under the store's lock: the lists are the store's own.</summary>
internal readonly record struct PolicyMoment(LimitPolicy Current, IReadOnlyList<PendingRevert> Pending, IReadOnlyList<PolicyRevision> History);
