namespace Relay.Admission;

/// <summary>The current policy. Readers take no lock; writers follow one another.</summary>
internal sealed class LimitPolicyStore
{
    private readonly Lock _writers = new();

    // Replaced whole under _writers, read anywhere.
    private volatile LimitPolicy _current;

    public LimitPolicyStore(AdmissionOptions options) =>
        _current = new LimitPolicy(options.Total, options.PerIp, options.Ipv6Prefix, Revision: 1);

    public LimitPolicy Current => _current;

    /// <summary>Swaps the policy, unless the caller decided from an older revision than the one in force.</summary>
    public LimitChangeResult Change(LimitChange change)
    {
        lock (_writers)
        {
            var before = _current;
            if (change.ExpectedRevision is { } expected && expected != before.Revision)
            {
                return new LimitChangeResult(Stale: true, before, before);
            }

            var after = before with
            {
                Total = change.Total ?? before.Total,
                PerIp = change.PerIp ?? before.PerIp,
                Revision = before.Revision + 1,
            };
            _current = after;
            return new LimitChangeResult(Stale: false, before, after);
        }
    }
}
