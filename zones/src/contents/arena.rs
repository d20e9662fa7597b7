//! Node images in a few large chunks, found by 32-bit references.

use std::sync::Arc;

/// Bytes between two places a reference can name.
const UNIT: usize = 4;
/// Units of a chunk as bits of a reference; the other bits number the chunk.
const CHUNK_BITS: u32 = 16;
/// Bytes after which a chunk takes no more images. One image may make its chunk longer.
const CHUNK_BYTES: usize = UNIT << CHUNK_BITS;
/// Chunks that references can number.
const MAX_CHUNKS: usize = 1 << (32 - CHUNK_BITS);
/// A last chunk shorter than this is copied and continued by the next change, so that small changes make few chunks.
const TAIL_BYTES: usize = 32 << 10;
/// Bytes that may be unused in any arena.
const FREE_WASTE: usize = 4 << 10;

/// Where an image begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeRef(pub(crate) u32);

/// The chunks. They never change; an arena that continues another shares its chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeArena {
    chunks: Box<[Arc<[u8]>]>,
    /// Bytes of images that were replaced or left out by changes.
    unused: usize,
}

impl NodeArena {
    /// The bytes from `at` on; the image knows its own end. Empty for a reference that was never given out.
    #[inline]
    pub(crate) fn from(&self, at: NodeRef) -> &[u8] {
        let offset = (at.0 as usize & ((1 << CHUNK_BITS) - 1)) * UNIT;
        self.chunks.get((at.0 >> CHUNK_BITS) as usize).and_then(|chunk| chunk.get(offset..)).unwrap_or(&[])
    }

    /// Whether it is time to copy what is in use into a new arena: a third of the bytes is unused, so that the copy costs
    /// twice what was written since the last one; or there are so many short chunks that numbers for them run out.
    pub(crate) fn is_wasteful(&self) -> bool {
        let bytes: usize = self.chunks.iter().map(|chunk| chunk.len()).sum();
        let short = self.chunks.len() > MAX_CHUNKS / 2 && bytes < self.chunks.len() * CHUNK_BYTES / 4;
        self.unused > FREE_WASTE + bytes / 3 || short
    }

    /// How many bytes of chunks it does not share with `other`.
    #[cfg(test)]
    pub(crate) fn own_bytes(&self, other: &Self) -> usize {
        let shared = |chunk: &&Arc<[u8]>| other.chunks.iter().any(|theirs| Arc::ptr_eq(chunk, theirs));
        self.chunks.iter().filter(|chunk| !shared(chunk)).map(|chunk| chunk.len()).sum()
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len() + 2 * size_of::<usize>() + size_of::<Arc<[u8]>>()).sum()
    }
}

/// An arena being filled.
#[derive(Debug, Default)]
pub(crate) struct ArenaBuilder {
    done: Vec<Arc<[u8]>>,
    chunk: Vec<u8>,
    unused: usize,
}

impl ArenaBuilder {
    /// An arena that continues `arena`, whose references stay good.
    pub(crate) fn continuing(arena: &NodeArena) -> Self {
        let (done, tail) = match arena.chunks.split_last() {
            Some((tail, before)) if tail.len() < TAIL_BYTES => (before, &**tail),
            _ => (&*arena.chunks, &[][..]),
        };
        Self { done: done.to_vec(), chunk: tail.to_vec(), unused: arena.unused }
    }

    /// Counts an image of so many bytes as unused.
    pub(crate) fn discard(&mut self, image: usize) {
        self.unused += image.next_multiple_of(UNIT);
    }

    /// Stores an image; none once no reference is left for it.
    pub(crate) fn push(&mut self, image: &[u8]) -> Option<NodeRef> {
        let padded = image.len().next_multiple_of(UNIT);
        if !self.chunk.is_empty() && self.chunk.len() + padded > CHUNK_BYTES {
            self.close();
        }
        if self.done.len() >= MAX_CHUNKS {
            return None;
        }
        let at = NodeRef(((self.done.len() << CHUNK_BITS) | (self.chunk.len() / UNIT)) as u32);
        self.chunk.extend_from_slice(image);
        self.chunk.resize(self.chunk.len().next_multiple_of(UNIT), 0);
        Some(at)
    }

    fn close(&mut self) {
        self.done.push(Arc::from(self.chunk.as_slice()));
        self.chunk.clear();
    }

    pub(crate) fn finish(mut self) -> NodeArena {
        if !self.chunk.is_empty() {
            self.close();
        }
        NodeArena { chunks: self.done.into_boxed_slice(), unused: self.unused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_again_across_chunks() {
        let mut builder = ArenaBuilder::default();
        let images: Vec<Vec<u8>> = (0..3000usize)
            .map(|i| vec![i as u8; 1 + i * 7 % 900])
            .chain([vec![9; 2 * CHUNK_BYTES]])
            .collect();
        let refs: Vec<NodeRef> = images.iter().map(|image| builder.push(image).unwrap()).collect();
        let arena = builder.finish();
        assert!(arena.chunks.len() > 3);
        for (image, &at) in images.iter().zip(&refs) {
            assert_eq!(arena.from(at).get(..image.len()), Some(image.as_slice()));
        }
        assert!(arena.from(NodeRef(u32::MAX)).is_empty());
    }

    #[test]
    fn a_continued_arena_keeps_what_was_there_and_shares_it() {
        let mut builder = ArenaBuilder::default();
        let first = builder.push(&vec![1; 2 * TAIL_BYTES]).unwrap();
        let mut arena = builder.finish();
        let mut refs = vec![(first, 1)];
        for i in 2..=255u8 {
            let mut builder = ArenaBuilder::continuing(&arena);
            refs.push((builder.push(&[i; 1001]).unwrap(), i));
            builder.discard(1);
            let next = builder.finish();
            assert!(next.own_bytes(&arena) < TAIL_BYTES + 1004);
            arena = next;
        }
        assert_eq!((arena.unused, arena.is_wasteful()), (254 * UNIT, false));
        assert!(arena.chunks.len() < 12);
        assert!(refs.iter().all(|&(at, i)| arena.from(at).starts_with(&[i; 1001])));
    }
}
