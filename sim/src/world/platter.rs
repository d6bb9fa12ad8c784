//! The bytes of a file, in pieces of one size, so that a log that grows is never copied as a whole.

/// Bytes of a piece; the last one may be shorter.
const PIECE: usize = 1 << 16;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub struct Platter {
    pieces: Vec<Vec<u8>>,
    length: usize,
}

impl Platter {
    /// How many bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// All of them.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// Puts bytes at a place. What lies between the end and a place beyond it becomes zero.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        while self.length < offset {
            let gap = (offset - self.length).min(PIECE);
            self.append(&vec![0; gap]);
        }
        let (mut over, behind) = bytes.split_at(bytes.len().min(self.length - offset));
        let mut at = offset;
        while !over.is_empty() {
            let piece = &mut self.pieces[at / PIECE][at % PIECE..];
            let (now, later) = over.split_at(over.len().min(piece.len()));
            piece[..now.len()].copy_from_slice(now);
            at += now.len();
            over = later;
        }
        self.append(behind);
    }

    /// Cuts everything from a length on. Does nothing to a shorter file.
    pub fn truncate(&mut self, length: usize) {
        if length >= self.length {
            return;
        }
        self.pieces.truncate(length.div_ceil(PIECE));
        let before = self.pieces.len().saturating_sub(1) * PIECE;
        if let Some(last) = self.pieces.last_mut() {
            last.truncate(length - before);
        }
        self.length = length;
    }

    /// One byte.
    ///
    /// # Panics
    /// If the file ends before it.
    pub fn byte_mut(&mut self, at: usize) -> &mut u8 {
        &mut self.pieces[at / PIECE][at % PIECE]
    }

    fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let place = self.length % PIECE;
            if place == 0 {
                self.pieces.push(Vec::with_capacity(PIECE));
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - place));
            self.pieces.last_mut().expect("there is one").extend_from_slice(now);
            self.length += now.len();
            bytes = later;
        }
    }
}

#[cfg(test)]
mod tests;
