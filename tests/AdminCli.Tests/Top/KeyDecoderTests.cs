using System.Text;
using Relay.AdminCli.Top;

namespace AdminCli.Tests.Top;

public sealed class KeyDecoderTests
{
    public static TheoryData<string, string> Rows => new()
    {
        { "q", "q" },
        { "\e", "Escape" },
        { "\e[A", "Up" },
        { "\eOA", "Up" },
        { "\e[B\e[B", "Down Down" },
        { "\e[5~", "PageUp" },
        { "\e[1~", "Home" },
        { "\x03", "Interrupt" },
        { "\x1a", "Suspend" },
        { "1h\x7f\r", "1 h Backspace Enter" },
        // No keys here: a function key, a modified arrow, a character beyond ASCII, a bell.
        { "\e[15~", "" },
        { "\e[1;5A", "" },
        { "é\a", "" },
        // A sequence without an end does not swallow what is typed for ever.
        { "\e[0000000000000000y", "y" },
        { "\e[1\rq", "q" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Read_OneRead_GivesItsKeys(string bytes, string keys) => Assert.Equal(keys, Names(new KeyDecoder().Read(Encoding.UTF8.GetBytes(bytes))));

    [Fact]
    public void Read_SequenceInTwoReads_IsOneKey()
    {
        var decoder = new KeyDecoder();
        Assert.Equal("", Names(decoder.Read("\e["u8)));
        Assert.Equal("Down x", Names(decoder.Read("Bx"u8)));
    }

    private static string Names(IEnumerable<TopKey> keys) => string.Join(' ', keys.Select(key => key.Special == TopKey.Name.None ? $"{key.Character}" : $"{key.Special}"));
}
