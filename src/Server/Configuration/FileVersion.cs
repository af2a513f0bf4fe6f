using Relay.Native;

namespace Relay.Configuration;

/// <summary>Which content of a file this is: of what it leads to, if it is a link, or lies in a folder that is one.</summary>
internal readonly record struct FileVersion(string Path, DateTime Modified, long Length, FileStatus? Status)
{
    /// <summary>A file that is missing, or cannot be read, has a version too.</summary>
    public static FileVersion Of(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            return new FileVersion(path, File.GetLastWriteTimeUtc(handle), RandomAccess.GetLength(handle), FileStatus.Of(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return new FileVersion(path, default, -1, null);
        }
    }
}
