namespace Relay.AdminCli.Top;

/// <summary>Turns what a terminal sends into keys. What it does not know, and what is not ASCII, is no key.</summary>
internal sealed class KeyDecoder
{
    private const byte Escape = 0x1b;

    // The parameters of a sequence that has begun: more would be no key of any terminal.
    private const int MaxParameters = 16;

    // A sequence of which the end has not come yet, without its escape; empty: none.
    private string _begun = "";

    /// <summary>One read's worth: an escape at its very end is the key, for a terminal sends its sequences whole.</summary>
    public IReadOnlyList<TopKey> Read(ReadOnlySpan<byte> bytes)
    {
        var keys = new List<TopKey>();
        for (var i = 0; i < bytes.Length; i++)
        {
            if (_begun.Length > 0)
            {
                Continue((char)bytes[i], keys);
            }
            else if (bytes[i] == Escape && i + 1 < bytes.Length && bytes[i + 1] is (byte)'[' or (byte)'O')
            {
                _begun = $"{(char)bytes[++i]}";
            }
            else if (Single(bytes[i]) is { } key)
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    private void Continue(char next, List<TopKey> keys)
    {
        _begun += next;
        if (next is >= '@' and <= '~')
        {
            if (Sequence(_begun) is { } key)
            {
                keys.Add(key);
            }

            _begun = "";
        }
        else if (next is < ' ' or > '~' || _begun.Length > MaxParameters)
        {
            _begun = "";
        }
    }

    private static TopKey? Single(byte value) => value switch
    {
        0x03 => TopKey.Name.Interrupt,
        0x08 or 0x7f => TopKey.Name.Backspace,
        0x0a or 0x0d => TopKey.Name.Enter,
        0x0c => TopKey.Name.Redraw,
        0x15 => TopKey.Name.EraseLine,
        0x1a => TopKey.Name.Suspend,
        Escape => TopKey.Name.Escape,
        >= 0x20 and < 0x7f => (char)value,
        _ => null,
    };

    // As xterm, screen and the Linux console send them, in both keypad modes.
    private static TopKey? Sequence(string sequence) => sequence switch
    {
        "[A" or "OA" => TopKey.Name.Up,
        "[B" or "OB" => TopKey.Name.Down,
        "[5~" => TopKey.Name.PageUp,
        "[6~" => TopKey.Name.PageDown,
        "[H" or "OH" or "[1~" or "[7~" => TopKey.Name.Home,
        "[F" or "OF" or "[4~" or "[8~" => TopKey.Name.End,
        _ => null,
    };
}
