namespace Relay.Addresses;

/// <summary>The names that people are counted and banned by.</summary>
internal static class SubjectName
{
    public const int MaxLength = 128;

    /// <summary>What is wrong with a name, as a sentence for the operator; null: nothing.</summary>
    public static string? Check(string name) =>
        name.Length is 0 or > MaxLength || name.Any(char.IsControl) || name.Trim() != name
            ? $"a subject has 1 to {MaxLength} characters, no control characters and no blanks around it"
            : null;
}
