document.title = 'built';
