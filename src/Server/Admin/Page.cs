using System.Globalization;
using Relay.Addresses;

namespace Relay.Admin;

/// <summary>
/// What every list has in common: how many rows, from where on, in which order, and the token of the next page. Errors in a
/// request are collected, so that all of them are named at once.
/// </summary>
internal sealed class Page
{
    public const int DefaultSize = 100;

    public const string WrongToken = "the token is not of this list; begin again without one";

    private const int MaxSize = 1000;

    private readonly List<(string Field, string Text)> _mistakes = [];
    private readonly string _list;
    private readonly int _size;
    private readonly int _offset;

    /// <summary><paramref name="list"/> identifies this order and filter: a token of another list is refused.</summary>
    public Page(int size, string token, string list)
    {
        _list = list;
        _size = size == 0 ? DefaultSize : size;
        if (size is < 0 or > MaxSize)
        {
            Refuse("page_size", $"{size} is not in 0 to {MaxSize}");
        }

        if (token.Length > 0
            && !(int.TryParse(token.Split(':')[0], NumberStyles.None, CultureInfo.InvariantCulture, out _offset) && token == Token(_offset, list)))
        {
            Refuse("page_token", WrongToken);
        }
    }

    public void CheckSort<TSort>(TSort sort)
        where TSort : struct, Enum
    {
        if (!Enum.IsDefined(sort))
        {
            Refuse("sort", $"{sort:D} is no sort");
        }
    }

    /// <summary>The network that the rows must be inside; null: no filter.</summary>
    public IpPrefix? ReadNetwork(string cidr)
    {
        if (cidr.Length == 0)
        {
            return null;
        }

        if (!IpPrefix.TryParse(cidr, out var network, out var error))
        {
            Refuse("cidr", error);
        }

        return network;
    }

    /// <summary>A key of IPv6 stands for a whole prefix: it matches when either holds the other.</summary>
    public static bool IsInside(IpKey key, IpPrefix? network) =>
        network is not { } only || only.Contains(key) || new IpPrefix(key).Contains(only);

    /// <summary>INVALID_ARGUMENT if anything was refused.</summary>
    public void ThrowIfWrong()
    {
        if (_mistakes.Count > 0)
        {
            throw AdminErrors.Invalid(_mistakes);
        }
    }

    /// <summary>The page's rows out of all, of which only as many are sorted as it takes.</summary>
    public IEnumerable<TRow> Of<TRow>(IReadOnlyCollection<TRow> rows, Comparison<TRow> order) =>
        rows.Order(Comparer<TRow>.Create(order)).Skip(_offset).Take(_size);

    /// <summary>Empty on the last page.</summary>
    public string NextToken(int rows) => _offset < rows - _size ? Token(_offset + _size, _list) : "";

    /// <summary>The rows move while an operator pages, so a token can only mean a position in the list.</summary>
    public static string Token(int offset, string list) => string.Create(CultureInfo.InvariantCulture, $"{offset}:{list}");

    /// <summary>Something else is wrong with the request.</summary>
    public void Refuse(string field, string text) => _mistakes.Add((field, text));
}
