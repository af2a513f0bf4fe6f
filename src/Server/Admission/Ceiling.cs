namespace Relay.Admission;

/// <summary>Client sockets that the process has capacity for, regardless of the total limit; <see cref="int.MaxValue"/> where it is unknown.</summary>
/// <param name="ByFiles">Capacity by the limit of open files.</param>
/// <param name="ByMemory">Capacity by memory.</param>
internal readonly record struct Ceiling(int ByFiles, int ByMemory)
{
    public static readonly Ceiling None = new(int.MaxValue, int.MaxValue);

    public int Value => Math.Min(ByFiles, ByMemory);

    /// <summary>What decides it, for operators; "" when nothing does.</summary>
    public string Cause => Value == int.MaxValue ? "" : ByFiles <= ByMemory ? "files" : "memory";
}
