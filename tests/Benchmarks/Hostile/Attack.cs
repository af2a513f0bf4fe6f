using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile;

/// <summary>Something that somebody who may connect does to take more than a share, or to hurt the others.</summary>
internal abstract class Attack
{
    /// <summary>As the command line takes it.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, in half a sentence.</summary>
    public abstract string Summary { get; }

    /// <summary>Options of relayd beside the defaults.</summary>
    public virtual IReadOnlyList<string> Options => [];

    /// <summary>Variables of relayd's environment.</summary>
    public virtual IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>();

    /// <summary>A program that relayd is started by, with its arguments.</summary>
    public virtual IReadOnlyList<string> Wrapper => [];

    /// <summary>True where the relay itself must stand still for a while, so that round trips say nothing.</summary>
    public virtual bool StopsTheRelay => false;

    /// <summary>Honest clients that this one needs beside the usual ones.</summary>
    public virtual IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [];

    /// <summary>Attacks until <see cref="AttackTarget.IsOver"/>, on a thread of its own.</summary>
    public abstract void Run(AttackTarget target);
}
