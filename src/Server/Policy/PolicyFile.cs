using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Relay.Policy;

/// <summary>
/// The policy on disk. Written whole beside the old one, flushed, and put in its place: after a crash at any moment there
/// is the old file or the new one. What cannot be read stops the start and is never replaced.
/// </summary>
internal sealed partial class PolicyFile(string path)
{
    private const int ReadOnlyDirectory = 0x10000;

    // Networks and reasons as people read them.
    private static readonly PolicyJson Json =
        new(new JsonSerializerOptions(PolicyJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public string Path => path;

    /// <summary>Null when there is none. Throws <see cref="InvalidDataException"/> that names the line and what to do.</summary>
    public PolicyDocument? Load()
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        PolicyDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(text, Json.PolicyDocument);
        }
        catch (JsonException exception)
        {
            throw Damaged(exception.LineNumber + 1 ?? 1, exception.Message.Split(" Path:")[0].Split(" LineNumber:")[0]);
        }

        if (document is null || document.Format != PolicyDocument.CurrentFormat)
        {
            throw Damaged(LineOf(text, "\"format\""), $"format {document?.Format} is not {PolicyDocument.CurrentFormat}, the one that this version reads.");
        }

        return document.Revision is > 0 and < long.MaxValue
            ? document
            : throw Damaged(LineOf(text, "\"revision\""), $"revision {document.Revision} is not a whole number above 0.");
    }

    /// <summary>What is wrong with an item that was loaded, with its line.</summary>
    public InvalidDataException BadItem(string item, string error) =>
        Damaged(LineOf(File.ReadAllText(path), JsonSerializer.Serialize(item, Json.String)), $"{item}: {error}");

    /// <summary>Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>; then the old file is untouched.</summary>
    public void Save(PolicyDocument document) => Replace(path, file =>
    {
        JsonSerializer.Serialize(file, document, Json.PolicyDocument);
        file.WriteByte((byte)'\n');
    });

    /// <summary>Puts a file whole and flushed in the place of another.</summary>
    public static void Replace(string path, Action<Stream> write)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = OperatingSystem.IsWindows() ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            write(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        FlushFolder(folder);
    }

    private InvalidDataException Damaged(long line, string what) => new(
        $"the policy file {path} is damaged at line {line}: {what} Mend that line, or move the file away to start with the limits of the settings.");

    private static long LineOf(string text, string part) =>
        text.IndexOf(part, StringComparison.Ordinal) is >= 0 and var at ? text.AsSpan(0, at).Count('\n') + 1 : 1;

    // The rename itself is on the disk only when the folder is.
    private static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsLinux() || Open(folder, ReadOnlyDirectory) is not (>= 0 and var descriptor))
        {
            return;
        }

        _ = Flush(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
