namespace Relay.Admission;

/// <summary>Client sockets that the process has room for, whatever the total limit says; <see cref="int.MaxValue"/> where it is not known.</summary>
/// <param name="ByFiles">What the limit of open files leaves room for.</param>
/// <param name="ByMemory">What the memory leaves room for.</param>
internal readonly record struct Ceiling(int ByFiles, int ByMemory)
{
    public static readonly Ceiling None = new(int.MaxValue, int.MaxValue);

    public int Value => Math.Min(ByFiles, ByMemory);

    /// <summary>What decides it, for operators; "" when nothing does.</summary>
    public string Cause => Value == int.MaxValue ? "" : ByFiles <= ByMemory ? "files" : "memory";
}
