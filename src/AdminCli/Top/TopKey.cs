namespace Relay.AdminCli.Top;

/// <summary>One press of a key: a printable ASCII character, or one of the keys that have none.</summary>
internal readonly record struct TopKey(TopKey.Name Special, char Character = '\0')
{
    internal enum Name
    {
        None,
        Up,
        Down,
        PageUp,
        PageDown,
        Home,
        End,
        Enter,
        Escape,
        Backspace,
        EraseLine,
        Interrupt,
        Suspend,
        Redraw,
    }

    public static implicit operator TopKey(char character) => new(Name.None, character);

    public static implicit operator TopKey(Name special) => new(special);
}
