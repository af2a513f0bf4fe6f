using System.Globalization;
using System.Text;

namespace Relay.Policy;

/// <summary>
/// The numbers of revisions that may have been given out, beside the policy file. Max revisions are never saved, and yet after
/// a crash none of their numbers may come to name another policy: the audit would then say one thing of two. One small write
/// serves a hundred changes. Touched only by the store, one writer at a time.
/// </summary>
internal sealed class RevisionReserve(string path)
{
    private const int Block = 100;

    private long _last;

    /// <summary>The last number that may have been given out before this start; 0: none.</summary>
    public long Load()
    {
        try
        {
            var text = File.ReadAllText(path).Trim();
            _last = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var last) && last < long.MaxValue / 2
                ? last
                : throw new InvalidDataException($"the file {path} is damaged: it holds the last revision number that was given out and nothing else. Write that number, or move the file away.");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            _last = 0;
        }

        return _last;
    }

    /// <summary>Called before <paramref name="revision"/> is given out. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public void Cover(long revision)
    {
        if (revision > _last)
        {
            var last = revision + Block - 1;
            PolicyFile.Replace(path, file => file.Write(Encoding.ASCII.GetBytes(FormattableString.Invariant($"{last}\n"))));
            _last = last;
        }
    }
}
