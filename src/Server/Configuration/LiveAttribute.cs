namespace Relay.Configuration;

/// <summary>An option that takes effect with a reload: whoever uses it reads it anew each time.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LiveAttribute : Attribute
{
    /// <summary>Only while it has a value: what it switches on or off is decided at the start.</summary>
    public bool OnlyWhereGiven { get; init; }
}
