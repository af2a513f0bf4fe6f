using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>One answer of the gate, and what it was made from.</summary>
internal readonly record struct Decision
{
    /// <summary>None: admitted.</summary>
    public Refusal Refusal { get; init; }

    /// <summary>What the shadow limits would have said; None also without a shadow.</summary>
    public Refusal Shadow { get; init; }

    /// <summary>True when there was a shadow to ask.</summary>
    public bool HasShadow { get; init; }

    /// <summary>What the socket counts by.</summary>
    public IpKey Key { get; init; }

    /// <summary>Live connections before this one.</summary>
    public LiveCounts Live { get; init; }

    /// <summary>What they were compared with; <see cref="int.MaxValue"/> where there was no limit. The total is the ceiling's where that is lower.</summary>
    public LiveCounts Max { get; init; }

    /// <summary>Until the rate lets one more in; zero where no rate was the cause.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>How the refused client is told.</summary>
    public OverloadLevel OverloadLevel { get; init; }

    /// <summary>False: not logged, because this key has had its share lately.</summary>
    public bool IsLogged { get; init; }

    /// <summary>Decisions of this key not logged since the last that was logged.</summary>
    public int Suppressed { get; init; }

    /// <summary>One of those whose duration goes into the histogram.</summary>
    public bool IsTimed { get; init; }
}
