using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>One answer of the gate, and what it was made from. Filled in where it is kept: to build it elsewhere and copy it costs a tenth of a decision.</summary>
internal record struct Decision
{
    /// <summary>None: admitted.</summary>
    public Refusal Refusal { get; set; }

    /// <summary>What the shadow limits would have said; None also without a shadow.</summary>
    public Refusal Shadow { get; set; }

    /// <summary>True when there was a shadow to ask.</summary>
    public bool HasShadow { get; set; }

    /// <summary>What the socket counts by.</summary>
    public IpKey Key { get; set; }

    /// <summary>Live connections before this one: in total of this process, of the key and its networks also of other nodes.</summary>
    public LiveCounts Live { get; set; }

    /// <summary>In total of all nodes.</summary>
    public int ClusterTotal { get; set; }

    /// <summary>What they were compared with; <see cref="int.MaxValue"/> where there was no limit. The total is the ceiling's where that is lower.</summary>
    public LiveCounts Max { get; set; }

    /// <summary>Until the rate lets one more in; zero where no rate was the cause.</summary>
    public TimeSpan Wait { get; set; }

    /// <summary>How the client is rejected.</summary>
    public OverloadLevel OverloadLevel { get; set; }

    /// <summary>False: not logged, because this key has had its share lately.</summary>
    public bool IsLogged { get; set; }

    /// <summary>Decisions of this key not logged since the last that was logged.</summary>
    public int Suppressed { get; set; }

    /// <summary>One of those whose duration goes into the histogram.</summary>
    public bool IsTimed { get; set; }
}
